# PostgreSQL for machines that reach no image registry: Debian's, under the few settings of the official image that docker-compose.yml uses.
ARG BASE
FROM ${BASE}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql >/dev/null && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ 2>/dev/null; \
    install -d -o postgres /var/lib/postgresql/data
USER postgres
ENTRYPOINT ["sh", "-c", "\
  data=/var/lib/postgresql/data/pgdata; \
  [ -s $data/PG_VERSION ] || { initdb --auth=$POSTGRES_HOST_AUTH_METHOD --username=$POSTGRES_USER --no-sync -D $data && \
    echo host all all all $POSTGRES_HOST_AUTH_METHOD >> $data/pg_hba.conf && \
    echo \"CREATE DATABASE $POSTGRES_DB\" | postgres --single -D $data postgres; }; \
  exec postgres -D $data -c 'listen_addresses=*' -c unix_socket_directories=/tmp"]
