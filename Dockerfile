# A bare node of the network: relays for peers at home, keeps records, has no user. docs/HOSTING.md.
FROM node:24-bookworm-slim AS build
WORKDIR /source
COPY . .
RUN npx -y deno@2.9.6 install \
 && npx -y deno@2.9.6 task pack \
 && npm install --global --prefix /opt/camellia --no-audit --no-fund ./dist/camellia-timeline-*.tgz

FROM node:24-bookworm-slim
COPY --from=build /opt/camellia /opt/camellia
COPY packaging/node.ini /etc/camellia/node.ini
RUN ln -s /opt/camellia/bin/camellia /usr/local/bin/camellia \
 && install -d -m 0700 -o node -g node /data
USER node
# Compiled code may be written there; without it a start takes half a second longer.
ENV DENO_DIR=/tmp/deno DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
VOLUME /data
# DHT; DHT for peers whose network lets no UDP out; posts and relaying.
EXPOSE 8000/udp 8000/tcp 7000/tcp
STOPSIGNAL SIGTERM
# Fails unless a peer runs on the data folder and answers within the time. The file tells that one runs:
# without one the command would lock the folder itself.
HEALTHCHECK --interval=60s --timeout=10s --start-period=30s \
  CMD test -e /data/peer.json && camellia --data /data --json status
ENTRYPOINT ["camellia", "--data", "/data", "--config", "/etc/camellia/node.ini"]
CMD ["node"]
