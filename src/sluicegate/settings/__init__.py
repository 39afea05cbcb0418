"""The settings: `tyk.conf`, the environment, and what a cluster shares.

load        from file and environment to settings, with all findings at once: the one way in
decode      the file (json_lines);  environment: variables (env_names, redis_url);  references: secrets kept elsewhere
draft       settings in the making (convert, duration);  validate, validate_stores: what types cannot say
model       all of them; the blocks are in server, storage, telemetry, outbound, blocks and own
honoured    which of them have an effect here;  shared: which of them a cluster may share
shape       the model laid out flat;  reference: the page that is made of it
"""
