"""What the fork server does once, before it forks: no test is about it, and each process would do it again.

It opens nothing: no connection, thread or event loop is shared by the processes of the tests.
"""

from sqlalchemy.orm import configure_mappers

from writeback.api import app
from writeback.core.network.tls import trusted
from writeback.notifier import sender as sender  # loads what an API process does without
from writeback.providers import transport as transport
from writeback.store import tables as tables

configure_mappers()
app._rooms()
trusted()
