"""The registry: finds the one throttle of an account on an event loop.

1. A throttle outlives its session. If it did not, a program that opens a session for each call
   would get a new bucket each time, and learn nothing. It ends with its event loop at the latest.
2. Credentials that do not change are known by their AccessKey ID. The throttles of the last
   `KEPT` accounts are kept, and all that an open session uses.
3. A provider of credentials is known by its identity, and a bound method by the identity of its
   object. The registry does not keep the provider alive, and the throttle ends with the provider.
   So a program that gives each session a provider of its own leaves nothing behind.
4. A provider that is compared by its value, or that cannot be observed by a weak reference, counts
   as an AccessKey ID does.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from functools import partial
from types import MethodType
from typing import cast
from weakref import WeakKeyDictionary, WeakValueDictionary, ref

from aliocr.credentials import CredentialsProvider
from aliocr.dispatch.throttle import AccountThrottle
from aliocr.limits import Limits

KEPT = 100
"""Number of throttles that are kept although no session uses them; see rule 2."""


class _Registry:
    """The throttles of one event loop."""

    def __init__(self) -> None:
        self._of_objects: dict[Hashable, tuple[ref[object], AccountThrottle]] = {}
        self._of_values: WeakValueDictionary[Hashable, AccountThrottle] = WeakValueDictionary()
        self._kept: OrderedDict[Hashable, AccountThrottle] = OrderedDict()

    def find(self, account: str | CredentialsProvider, limits: Limits) -> AccountThrottle:
        """Return the throttle of an account; make it if there is none."""
        if isinstance(account, str):
            return self._of_value(account, limits)
        method = account if isinstance(account, MethodType) else account.__call__
        try:
            if isinstance(account, MethodType):
                return self._of_object(account.__self__, account.__func__, limits)
            if type(account).__hash__ in (object.__hash__, None):
                return self._of_object(account, None, limits)
            hash(account)
        except TypeError:  # no weak reference, or no hash
            return self._of_value(method, limits)  # a bound method has a hash, by identity
        return self._of_value(cast("Hashable", account), limits)

    def _of_object(self, owner: object, part: Hashable, limits: Limits) -> AccountThrottle:
        key = (id(owner), part)
        if key not in self._of_objects:
            observed = ref(owner, partial(self._of_objects.pop, key))
            self._of_objects[key] = observed, AccountThrottle(limits)
        return self._of_objects[key][1]

    def _of_value(self, account: Hashable, limits: Limits) -> AccountThrottle:
        throttle = self._of_values.get(account) or AccountThrottle(limits)
        self._of_values[account] = self._kept[account] = throttle
        self._kept.move_to_end(account)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return throttle

    def clear(self) -> None:
        """Forget all accounts."""
        self._of_objects.clear()
        self._kept.clear()


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Registry] = WeakKeyDictionary()


def throttle_of(account: str | CredentialsProvider, limits: Limits) -> AccountThrottle:
    """Return the only throttle of an account on the running loop; the last caller sets its limits.

    Args:
        account: An AccessKey ID, or the provider of changing credentials.
        limits: The limits of the account.
    """
    for loop in list(_by_loop):
        if loop.is_closed():  # the locks of a throttle keep it alive, so the weak key is not enough
            _by_loop.pop(loop).clear()
    registry = _by_loop.setdefault(asyncio.get_running_loop(), _Registry())
    throttle = registry.find(account, limits)
    throttle.change_limits(limits)
    return throttle
