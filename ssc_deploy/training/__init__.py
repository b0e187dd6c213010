"""Training: a recipe, a network's view for speed, checkpoints after every epoch, and runs that resume bit for bit.

Everything random follows from the recipe's seed and the number of the epoch and the step, so that a run which is
stopped and resumed does what an unbroken one does.
"""

from ssc_deploy.training.loop import Step, TrainResult, train
from ssc_deploy.training.recipe import RECIPES, Precision, Recipe, Schedule
from ssc_deploy.training.record import Record
from ssc_deploy.training.view import training_view
from ssc_deploy.training.world import World, fastest, joined

__all__ = [
    "RECIPES",
    "Precision",
    "Recipe",
    "Record",
    "Schedule",
    "Step",
    "TrainResult",
    "World",
    "fastest",
    "joined",
    "train",
    "training_view",
]
