"""Rehearsal profiles of classes of networks: not one network, but one way of behaving."""

from channels.rehearsal.drills.manners import MANNERS, Manners
from channels.rehearsal.drills.network import DrillNetwork

__all__ = ["MANNERS", "DrillNetwork", "Manners"]
