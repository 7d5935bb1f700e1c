"""Somebody is told without looking. `watch` is called by the worker now and then: what is amiss (`conditions`) becomes
incidents (`incidents`), these become messages (`messages`), and `sending` sends them. `receivers` says whom to tell."""
