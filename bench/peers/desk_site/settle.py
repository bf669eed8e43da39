"""Queues and an agent who may see the first so many of them: `python settle.py QUEUES SEEN`, the password in
PEERS_PASSWORD.

The first queue takes what customers send with the public form.
"""

from __future__ import annotations

import os
import sys

import django

django.setup()

from django.contrib.auth.models import Permission, User  # noqa: E402
from helpdesk.models import Queue  # noqa: E402

queues, seen, password = int(sys.argv[1]), int(sys.argv[2]), os.environ["PEERS_PASSWORD"]
agent = User.objects.create_user("agent", "agent@example.org", password, is_staff=True)
for number in range(1, queues + 1):
    queue = Queue.objects.create(
        title=f"Company {number}", slug=f"company{number}", allow_public_submission=number == 1
    )
    if number <= seen:
        codename = queue.permission_name.removeprefix("helpdesk.")
        agent.user_permissions.add(Permission.objects.get(codename=codename))
