"""The front door: Envoy's configuration, made from what is deployed; the same on every stack. No proxy code of our own.

`state` says what is deployed and who gets what share, `config` turns that into Envoy's files, `files` puts them where a
running Envoy takes them up, `environment` finds Envoy.
On one machine, `common` is the door before those of all models. On a cluster, `wish` is what the deployer leaves for the pods and
`pod` what runs in them. Standard library only.
"""
