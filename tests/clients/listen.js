// Clients for laba's tests: the official `centrifuge` package, unmodified, one client per token.
//
//   node listen.js json|protobuf URL TOKEN...
//
// Standard output: one JSON object a line for every event of every client, `client` being its number.
// Standard input: one JSON object a line, {"client": 0, "do": "connect" | "disconnect"}; its end ends the program.
'use strict';

const readline = require('node:readline');
const WebSocket = require('ws');

const [form, url, ...tokens] = process.argv.slice(2);
const { Centrifuge } = require(form === 'protobuf' ? 'centrifuge/build/protobuf' : 'centrifuge');
// In Protobuf a message's data is bytes: the same JSON.
const read = (data) => (form === 'protobuf' ? JSON.parse(Buffer.from(data).toString('utf8')) : data);

function listen(url, token, number) {
  const tell = (event, facts) => process.stdout.write(JSON.stringify({ client: number, event, ...facts }) + '\n');
  const client = new Centrifuge(url, { token, websocket: WebSocket, minReconnectDelay: 20, maxReconnectDelay: 100 });
  client.on('connecting', ({ code, reason }) => tell('connecting', { code, reason }));
  client.on('connected', () => tell('connected', {}));
  client.on('disconnected', ({ code, reason }) => tell('disconnected', { code, reason }));
  client.on('subscribed', ({ channel, wasRecovering, recovered, streamPosition }) =>
    tell('subscribed', { channel, was_recovering: wasRecovering, recovered, position: streamPosition ?? null }));
  client.on('publication', ({ channel, offset, data }) => tell('publication', { channel, offset, data: read(data) }));
  client.connect();
  return client;
}

const clients = tokens.map((token, number) => listen(url, token, number));

readline.createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = JSON.parse(line);
    clients[command.client][command.do]();
  })
  .on('close', () => {
    clients.forEach((client) => client.disconnect());
    process.exit(0);
  });
