"""The instance's entities, as JSON. Which fields there are: docs.joinmastodon.org/entities."""

from __future__ import annotations

from channels.rehearsal.mastodon.world import MastodonWorld
from channels.rehearsal.mastodon.writing import URL_COUNTS, html_of
from channels.rehearsal.store import Doc

MIME_TYPES = ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/webm", "audio/mpeg"]
VERSION = "4.5.0"


class Shapes:
    """Renders for one reader; `base` is the address the request came to."""

    def __init__(self, world: MastodonWorld, base: str) -> None:
        self._world = world
        self._base = base

    def account(self, person: Doc) -> Doc:
        handle = person["handle"]
        username, _, host = handle.partition("@")
        home = f"https://{host}" if host else self._base
        stable = f"https://{host or self._world.ways.domain}"
        face = f"{self._base}/avatars/missing.png"
        account = {
            "id": person["id"],
            "username": username,
            "acct": handle,
            "display_name": person["name"],
            "locked": False,
            "bot": person.get("bot", False),
            "discoverable": True,
            "indexable": False,
            "group": False,
            "created_at": person["created_at"],
            "note": "",
            "url": f"{home}/@{username}",
            "uri": f"{stable}/users/{username}",
            "avatar": face,
            "avatar_static": face,
            "avatar_description": "",
            "header": face,
            "header_static": face,
            "header_description": "",
            "followers_count": person.get("followers", 0),
            "following_count": 0,
            "statuses_count": self._world.count_statuses(handle),
            "last_status_at": None,
            "hide_collections": None,
            "show_media": True,
            "show_media_replies": True,
            "show_featured": True,
            "feature_approval": {"automatic": [], "manual": [], "current_user": "denied"},
            "noindex": False,
            "emojis": [],
            "roles": [],
            "fields": [],
        }
        if not self._world.ways.gives_actor_uri:
            del account["uri"]
        return account

    def own_account(self, person: Doc) -> Doc:
        role = {"id": "-99", "name": "", "permissions": "0", "color": "", "highlighted": False, "collection_limit": 10}
        source = {
            "privacy": "public",
            "sensitive": False,
            "language": "",
            "note": "",
            "fields": [],
            "follow_requests_count": 0,
            "hide_collections": None,
            "discoverable": True,
            "indexable": False,
            "attribution_domains": [],
            "quote_policy": "public",
        }
        return {**self.account(person), "source": source, "role": role}

    def status(self, doc: Doc) -> Doc:
        world = self._world
        author = world.person(doc["author"])
        account = self.account(author)
        mentioned = [world.person(h) for h in doc["mentions"]]
        above = world.find_status(doc["in_reply_to"]) if doc["in_reply_to"] else None
        return {
            "id": doc["id"],
            "created_at": doc["created_at"],
            "in_reply_to_id": doc["in_reply_to"] or None,
            "in_reply_to_account_id": world.person(above["author"])["id"] if above else None,
            "sensitive": doc["sensitive"],
            "spoiler_text": doc["spoiler_text"],
            "visibility": doc["visibility"],
            "language": doc["language"] or None,
            "uri": f"{account.get('uri', account['url'])}/statuses/{doc['id']}",
            "url": f"{account['url']}/{doc['id']}",
            "replies_count": world.count_replies(doc["id"]),
            "reblogs_count": 0,
            "favourites_count": 0,
            "quotes_count": 0,
            "edited_at": doc["edited_at"] or None,
            "favourited": False,
            "reblogged": False,
            "muted": False,
            "bookmarked": False,
            "content": html_of(doc["text"], self._profiles(mentioned), self._base),
            "filtered": [],
            "reblog": None,
            "application": {"name": doc["application"], "website": None} if doc["application"] else None,
            "account": account,
            "media_attachments": [self.media(world.media(m)) for m in doc["media"]],
            "mentions": [self._mention(p) for p in mentioned],
            "tags": [],
            "emojis": [],
            "tagged_collections": [],
            "quote": None,
            "card": None,
            "poll": None,
            "quote_approval": {"automatic": [], "manual": [], "current_user": "denied"},
        }

    def _mention(self, person: Doc) -> Doc:
        account = self.account(person)
        return {key: account[key] for key in ("id", "username", "url", "acct")}

    def _profiles(self, mentioned: list[Doc]) -> dict[str, tuple[str, str]]:
        known: dict[str, tuple[str, str]] = {}
        for person in mentioned:
            account = self.account(person)
            names = {person["handle"].lower(), f"{account['username'].lower()}@{self._world.ways.domain}"}
            known |= dict.fromkeys(names, (account["url"], account["username"]))
        return known

    def media(self, doc: Doc) -> Doc:
        url = f"{self._base}/media/{doc['id']}"
        return {
            "id": doc["id"],
            "type": doc["type"],
            "url": None if self._world.is_processing(doc) else url,
            "preview_url": url,
            "remote_url": None,
            "meta": {"focus": doc["focus"]} if doc["focus"] else {},
            "description": doc["description"] or None,
            "blurhash": None,
        }

    def notification(self, doc: Doc) -> Doc:
        return {
            "id": doc["id"],
            "type": doc["type"],
            "created_at": doc["created_at"],
            "group_key": f"ungrouped-{doc['id']}",
            "account": self.account(self._world.person(doc["from"])),
            "status": self.status(self._world.status(doc["status"])),
        }

    def conversation(self, number: str, others: list[str], last: Doc, reader: str) -> Doc:
        return {
            "id": number,
            "unread": last["author"] != reader,
            "accounts": [self.account(self._world.person(h)) for h in others],
            "last_status": self.status(last),
        }

    # -- the instance

    def _configuration(self) -> Doc:
        ways = self._world.ways
        return {
            "statuses": {
                "max_characters": ways.max_characters,
                "max_media_attachments": ways.max_media,
                "characters_reserved_per_url": URL_COUNTS,
            },
            "media_attachments": {
                "supported_mime_types": MIME_TYPES,
                "description_limit": ways.alt_max,
                "image_size_limit": ways.image_bytes,
                "image_matrix_limit": 33_177_600,
                "video_size_limit": 103_809_024,
                "video_frame_rate_limit": 120,
                "video_matrix_limit": 8_294_400,
            },
        }

    def instance_v2(self) -> Doc:
        return {
            "domain": self._world.ways.domain,
            "title": "Rehearsal",
            "version": VERSION,
            "source_url": "",
            "description": "An instance for rehearsals",
            "languages": ["fr", "en"],
            "configuration": self._configuration(),
        }

    def instance_v1(self) -> Doc:
        return {
            "uri": self._world.ways.domain,
            "title": "Rehearsal",
            "short_description": "",
            "description": "An instance for rehearsals",
            "version": VERSION,
            "languages": ["fr", "en"],
            "configuration": self._configuration(),
        }
