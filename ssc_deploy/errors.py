"""Everything that this package raises at a user.

    SscDeployError                 exit code 2: usage or bad input
    ├── CheckpointError            a checkpoint or model file cannot be read, or does not fit its network
    │   └── UnsafeCheckpointError  reading it would run code that it contains
    ├── NetworkError               unknown architecture, impossible configuration, a module that cannot be built
    ├── CardError                  a model card (model.toml) is wrong
    ├── LabelsError                names of classes are malformed, or of another number than the outputs
    ├── PreprocessingError         means, standard deviations or colours by which no image can become an input
    ├── PictureError               an image cannot be read, or has another size than the network takes
    ├── DataError                  images with classes are missing, damaged, or do not fit the network
    ├── TrainingError              a training that cannot start, go on, or be resumed
    ├── CaptureError               torch.export cannot capture the module
    ├── LoweringError              a lowering was asked for that this network or target cannot take
    ├── QuantizationError          a network or its calibration data cannot be quantised as asked
    ├── RecipeError                a recipe cannot be read, or is for another network; or there is nothing to tune
    ├── EmitError                  a graph cannot be written in the target's format
    │   └── UnsupportedOperatorError
    ├── OutputError                the output exists, or cannot be written
    ├── MissingPackageError        a package of an extra is not installed
    ├── RuntimeLoadError           a runtime is missing, or refuses the file
    ├── ProfileError               a profile cannot be taken of these files, or a saved one not be read
    ├── BundleError                a bundle cannot be made of these files, or is damaged
    ├── AndroidError               the demo app cannot be built, or its tests not be run
    ├── TargetError                a device cannot be reached, or a job not be run there
    └── VerificationError          exit code 1: the file computes something else than the network

    DefectError                    exit code 70: ssc-deploy itself is wrong; no input is to blame
    └── RewriteError               a rewrite left the canonical form

Every message of an `SscDeployError` is one sentence (or two) that says what is wrong and what to do. A `DefectError` is
no `SscDeployError`: code that handles bad input must not handle our own defects with it.
"""

#: What a user's own code may raise at us. Its exceptions may be of its own classes, so nothing narrower would do; a
#: script that ends with ``sys.exit`` is no reason to end without a word. An interrupt is meant, and passes.
USER_ERRORS = (Exception, SystemExit)


#: Characters of a name out of a file that a message shows.
_SHOWN = 100


def shown(name: str) -> str:
    """A name out of a file as it may stand in a message: printable, and shortened in its middle where it is long."""
    printable = "".join(character if character.isprintable() else "?" for character in name)
    half = _SHOWN // 2
    return printable if len(printable) <= _SHOWN else f"{printable[:half]}...{printable[-half:]}"


def parameter(name: str, value: object) -> str:
    """A parameter with a value that comes from elsewhere, as it may stand in a message: Python between back quotes."""
    literal = repr(value).replace("`", r"\x60")
    return f"`{name}={literal}`"


class SscDeployError(Exception):
    """Base of all errors a user can cause; ``exit_code`` is what the command line exits with."""

    exit_code = 2


class CheckpointError(SscDeployError):
    """A checkpoint or model file cannot be read, or does not fit its network."""


class UnsafeCheckpointError(CheckpointError):
    """Reading the checkpoint would run code that it contains."""


class NetworkError(SscDeployError):
    """Unknown architecture, impossible configuration, or a module that cannot be built."""


class CardError(SscDeployError):
    """A model card (``model.toml``) is malformed or names files that are not there."""


class LabelsError(SscDeployError):
    """Names of classes are malformed, or of another number than the network's outputs."""


class PreprocessingError(SscDeployError):
    """Means, standard deviations or an order of colours by which no image can become an input."""


class PictureError(SscDeployError):
    """An image cannot be read, or has another size than the network takes."""


class DataError(SscDeployError):
    """Images with their classes are missing or damaged, or do not fit the network."""


class TrainingError(SscDeployError):
    """A training cannot start, go on, or be resumed."""


class CaptureError(SscDeployError):
    """``torch.export`` cannot capture the module."""


class LoweringError(SscDeployError):
    """A lowering was asked for that this network or target cannot take."""


class QuantizationError(SscDeployError):
    """A network cannot be quantised as asked, or not by these calibration data."""


class RecipeError(SscDeployError):
    """A recipe is malformed, or for another network, version or runtime; or there is nothing that could be tuned."""


class EmitError(SscDeployError):
    """A graph cannot be written in the target's format."""


class UnsupportedOperatorError(EmitError):
    """An operator, or a use of it, that the target's emitter does not know."""


class OutputError(SscDeployError):
    """The output exists already, or its folder cannot be written."""


class MissingPackageError(SscDeployError):
    """A package that only some commands need is not installed; the message says which extra brings it."""


class RuntimeLoadError(SscDeployError):
    """A runtime is not installed, or refuses the file."""


class ProfileError(SscDeployError):
    """A profile cannot be taken of these files so, or a saved one cannot be read."""


class BundleError(SscDeployError):
    """A bundle cannot be made of these files so, or one is damaged or malformed."""


class AndroidError(SscDeployError):
    """The demo app cannot be built, or its tests cannot be run: a tool, a library or a source file is wrong."""


class TargetError(SscDeployError):
    """A device is unknown, cannot be reached, or a job cannot be run there."""


class VerificationError(SscDeployError):
    """The file computes something else than the network it was made from."""

    exit_code = 1


class DefectError(Exception):
    """Base of all errors that are a defect of ssc-deploy; ``exit_code`` is that of every exception we do not expect."""

    exit_code = 70


class RewriteError(DefectError):
    """A rewrite left the canonical form; always a defect of a rule, never of the input."""
