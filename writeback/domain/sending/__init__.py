"""When and what goes next: breakers, waits between tries, the choice of the next request."""
