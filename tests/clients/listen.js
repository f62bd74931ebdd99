// Clients for laba's tests: the official `centrifuge` package, unmodified, one client per token.
//
//   node listen.js TRANSPORT FORM URL DATA TOKEN...
//
// TRANSPORT is websocket, http_stream or sse; FORM is json or protobuf; URL is the server's WebSocket address, from
// which the others follow; DATA is the connect data as JSON, or null.
// Standard output: one JSON object a line for every event of every client, `client` being its number.
// Standard input: one JSON object a line; its end ends the program. {"client": 0, "do": WORD}, and WORD is
//   connect, disconnect;
//   restart: come back as a new client, which knows of nothing;
//   rpc: ask for "method" with "data"; a `told` event has the "data" of the answer, or the "code" of the error.
'use strict';

const readline = require('node:readline');
const { EventSource } = require('eventsource');
const WebSocket = require('ws');

const [transport, form, url, data, ...tokens] = process.argv.slice(2);
const isBinary = form === 'protobuf';
const { Centrifuge } = require(isBinary ? 'centrifuge/build/protobuf' : 'centrifuge');
// In Protobuf data is bytes: the same JSON.
const read = (data) => (isBinary ? JSON.parse(Buffer.from(data).toString('utf8')) : data);
const write = (data) => (isBinary ? Buffer.from(JSON.stringify(data)) : data);

const { host } = new URL(url);
const address = transport === 'websocket' ? url : [{ transport, endpoint: `http://${host}/connection/${transport}` }];
const options = {
  websocket: WebSocket,
  eventsource: EventSource,
  emulationEndpoint: `http://${host}/emulation`,
  minReconnectDelay: 20,
  maxReconnectDelay: 100,
};

function listen(token, number) {
  const tell = (event, facts) => process.stdout.write(JSON.stringify({ client: number, event, ...facts }) + '\n');
  const said = JSON.parse(data);
  const client = new Centrifuge(address, { ...options, token, ...(said && { data: write(said) }) });
  client.on('connecting', ({ code, reason }) => tell('connecting', { code, reason }));
  client.on('connected', () => tell('connected', {}));
  client.on('disconnected', ({ code, reason }) => tell('disconnected', { code, reason }));
  client.on('subscribed', ({ channel, wasRecovering, recovered, streamPosition }) =>
    tell('subscribed', { channel, was_recovering: wasRecovering, recovered, position: streamPosition ?? null }));
  client.on('publication', ({ channel, offset, data }) => tell('publication', { channel, offset, data: read(data) }));
  const rpc = ({ method, data }) => client.rpc(method, write(data))
    .then((answer) => tell('told', { method, data: read(answer.data) }), ({ code, message }) => tell('told', { method, code, message }));
  client.connect();
  return { client, rpc };
}

const clients = tokens.map(listen);

function obey({ client: number, do: word, ...facts }) {
  if (word === 'restart') {
    clients[number].client.disconnect();
    clients[number] = listen(tokens[number], number);
  } else if (word === 'rpc') {
    clients[number].rpc(facts);
  } else {
    clients[number].client[word]();
  }
}

readline.createInterface({ input: process.stdin })
  .on('line', (line) => obey(JSON.parse(line)))
  .on('close', () => {
    clients.forEach(({ client }) => client.disconnect());
    process.exit(0);
  });
