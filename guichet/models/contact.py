"""The address book: whom posts mention, and what they are called on each network."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from guichet.models.base import Base, Key, Short, partial_index, ref


class Contact(Base):
    """Somebody outside whom posts mention, for one brand or, without one, for all. `folded` is the
    name as it is compared."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("brand_id", "folded"),
        partial_index("uq_contact_of_all", "folded", where="brand_id IS NULL", unique=True),
    )
    id: Mapped[Key]
    brand_id: Mapped[int | None] = ref("brand.id")
    name: Mapped[Short]
    folded: Mapped[Short]
    created_at: Mapped[datetime]
    handles: Mapped[list[ContactHandle]] = relationship(
        order_by="ContactHandle.network", cascade="all, delete-orphan", lazy="selectin"
    )


class ContactHandle(Base):
    """What a contact is called on a network, without the @. `state`: "" nobody asked the network,
    "found", or "gone" (it knows nobody of that name); `remote_id`: whom it found."""

    __tablename__ = "contact_handle"
    contact_id: Mapped[int] = ref("contact.id", primary_key=True)
    network: Mapped[Short] = mapped_column(primary_key=True)
    handle: Mapped[Short]
    remote_id: Mapped[Short] = mapped_column(default="")
    state: Mapped[Short] = mapped_column(default="")
    checked_at: Mapped[datetime | None]
