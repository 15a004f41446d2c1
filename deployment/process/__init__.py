"""The process host: services and front door as processes of this machine, kept by a small supervisor.

`host` is what others use. It writes what should run (`layout`), the supervisor sees to it and writes what does. One
address stands before all models (`common`), which whichever supervisor has its lock sees to.
Supervisor and layout need the standard library only, so that a supervisor is small and starts at once.
"""
