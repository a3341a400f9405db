"""Bodies of jobs that can be sent, for the API's document. Their ids stand for things that the customer has."""

from collections.abc import Mapping
from typing import Any

ASSET = "5f0c2a9e-6d1b-4c3e-8f7a-1b2c3d4e5f60"
TAG = "8a7b6c5d-4e3f-4a2b-9c1d-0e1f2a3b4c5d"
PATCH = "0d9c8b7a-6f5e-4d3c-8b2a-1f0e9d8c7b6a"
PARENT = "3c2b1a09-8f7e-4d6c-9b5a-4f3e2d1c0b9a"

_MESSAGES = {
    "preDeployment": {
        "userMessage": "Patches are about to be installed",
        "description": "Please save your work.",
        "deferment": {"count": 2, "interval": 30, "intervalUnit": "MINUTES"},
    },
    "postDeployment": {
        "rebootOption": {"userMessage": "Please restart", "description": "Some patches need it."},
        "rebootCountdown": {"userMessage": "Restarting", "interval": 15, "intervalUnit": "MINUTES"},
        "onComplete": {"userMessage": "Done", "alwaysShowCompletedPrompt": True},
    },
}

JOBS: Mapping[str, Mapping[str, Any]] = {
    "Windows, on demand, with messages and actions": {
        "name": "October patches, now",
        "type": "Install",
        "platform": "Windows",
        "scheduleType": "On-demand",
        "approvedPatches": [PATCH],
        "assetIds": [ASSET],
        "timeout": 6,
        "timeoutUnit": "HOURS",
        **_MESSAGES,
        "preDeployActions": [
            {
                "action": "Run Script",
                "params": {"actionItem": "Close the till", "timeout": 60},
                "script": "U3RvcC1TZXJ2aWNlIFRpbGw=",
                "scriptType": "ps",
            },
            {"action": "System Reboot", "params": {"actionItem": "Fresh start"}},
        ],
        "postDeployActions": [
            {
                "action": "Install Software",
                "params": {
                    "actionItem": "Viewer",
                    "downloadURL": "https://downloads.example.com/viewer.msi",
                    "fileChecksum": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                    "installMethod": 1,
                },
            }
        ],
    },
    "Windows, three days after Patch Tuesday, by a query": {
        "name": "Patch Tuesday and three days",
        "type": "Install",
        "platform": "Windows",
        "dynamicPatchesQQL": "vendorSeverity:Critical and isSuperseded:false",
        "assetTagIds": [TAG],
        "scheduleType": "Monthly",
        "startDateTime": "2031-1-1 10:00:00 PM",
        "monthlyRecurringType": 1,
        "patchTuesdayPlusXDays": 3,
        "timezoneType": "AGENT_TZ",
        "timeout": 10,
        "notification": {
            "notificationTypes": {"email": True},
            "notificationConfigs": {"recipientEmails": ["ops@example.com"], "completedPercentage": 80},
            "notificationEvents": {"onJobStart": True, "onJobComplete": True},
        },
    },
    "Windows, uninstall": {
        "name": "Take the bad patch back",
        "type": "Rollback",
        "platform": "Windows",
        "approvedPatches": [PATCH],
        "assetIds": [ASSET],
        "scheduleType": "Once",
        "startDateTime": "2031-4-5 07:08:09 AM",
        "timezone": "Europe/Berlin",
        "timeout": 90,
        "timeoutUnit": "MINUTES",
    },
    "Linux, weekly, with MakeCache": {
        "name": "Web servers, twice a week",
        "type": "Install",
        "platform": "Linux",
        "approvedPatches": [PATCH],
        "assetTagIds": [TAG],
        "scheduleType": "Weekly",
        "startDateTime": "2031-1-7 03:30:00 AM",
        "recurringWeekDays": "0,0,1,0,0,1,0",
        "timezone": "America/New_York",
        "timeout": 4,
        "continueOnPatchFailure": True,
        "downloadRandomizeTime": 30,
        "downloadRandomizeTimeUnit": "MINUTES",
        "reattemptFailedPatches": {"noOfReattempts": 3, "exponentialBackoffInterval": 2},
        "preDeployActions": [
            {
                "action": "Run Script",
                "params": {"actionItem": "Make cache", "defaultScriptType": "MakeCache"},
                "scriptType": "sh",
            }
        ],
    },
    "Linux, rollback": {
        "name": "Back to yesterday",
        "type": "Rollback",
        "platform": "Linux",
        "approvedPatches": [PATCH],
        "assetIds": [ASSET],
        "scheduleType": "Daily",
        "startDateTime": "2031-12-31 11:59:59 PM",
        "timezone": "Asia/Kolkata",
    },
    "A child of another job, with a rule": {
        "name": "Then the rest of the tills",
        "type": "Install",
        "platform": "Windows",
        "assetIds": [ASSET],
        "scheduleType": "On-demand",
        "linkedJobId": PARENT,
        "chainedJobRule": [{"actionIds": [1], "threshold": 75}],
        "postDeployment": {"onComplete": {"userMessage": "All done", "alwaysShowCompletedPrompt": True}},
    },
}

CHANGES: Mapping[str, Mapping[str, Any]] = {
    "Another window, and one list replaced": {"timeout": 8, "timeoutUnit": "HOURS", "assetIds": [ASSET]},
    "One text of a message": {"preDeployment": {"userMessage": "Tonight, please leave it on"}},
    "Back to the default": {"notification": None},
}
