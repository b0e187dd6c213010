"""How good a network is on images of known classes: see `evaluating`."""

from ssc_deploy.evaluation.classifier import Classifier, open_classifier, torch_logits
from ssc_deploy.evaluation.confusion import draw
from ssc_deploy.evaluation.evaluating import evaluate
from ssc_deploy.evaluation.report import Disagreement, Evaluated, Evaluation
from ssc_deploy.evaluation.scores import ClassScore, Scores, score

__all__ = [
    "ClassScore",
    "Classifier",
    "Disagreement",
    "Evaluated",
    "Evaluation",
    "Scores",
    "draw",
    "evaluate",
    "open_classifier",
    "score",
    "torch_logits",
]
