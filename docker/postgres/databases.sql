-- Run once, by the PostgreSQL image at the first start of an empty volume, as its superuser. Two databases, since Dagster
-- and LeadScout each keep the version of their schema in a table of the same name; and an empty one that the restore drill
-- fills with the dumps of both, one after the other, and empties again.
\set ON_ERROR_STOP on
\set password `cat "$DATABASE_PASSWORD_FILE"`

CREATE ROLE leadscout LOGIN PASSWORD :'password';

CREATE DATABASE leadscout OWNER leadscout;
CREATE DATABASE dagster OWNER leadscout;
CREATE DATABASE leadscout_drill OWNER leadscout;

REVOKE ALL ON DATABASE leadscout, dagster, leadscout_drill FROM PUBLIC;
