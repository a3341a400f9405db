"""A job's definition as clients send it. `job.JobDefinition` is the whole; its fields stand in a module per subject."""

from deployments.definition.actions import Action, ScriptPath
from deployments.definition.job import JobDefinition, as_sent
from deployments.definition.messages import DeferrableMessage, Message, PostDeployment, said
from deployments.definition.notification import Notification

__all__ = [
    "Action",
    "DeferrableMessage",
    "JobDefinition",
    "Message",
    "Notification",
    "PostDeployment",
    "ScriptPath",
    "as_sent",
    "said",
]
