"""Training: a recipe, a network's view for speed, checkpoints after every epoch, and runs that resume bit for bit.

All random numbers depend only on the recipe's seed and the numbers of epoch and step, so that a run which is stopped
and resumed gives the same result as one without a break.
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
