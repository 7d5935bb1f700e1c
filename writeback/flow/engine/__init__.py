"""What dispatch, confirm and correct stand on: turns of lanes, changes, holds, breakers. Read `changes` first."""
