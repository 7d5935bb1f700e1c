"""What can be asked of the API, one module a subject: functions that build calls, then the methods of both clients."""
