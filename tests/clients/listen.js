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
//   rpc: ask for "method" with "data"; a `told` event has the "data" of the answer, or the "code" of the error;
//   join: subscribe to "channel" with "options"; its events are those of a server-side subscription, each with
//     `own` true; leave: unsubscribe from "channel";
//   publish: send "data" to "channel"; presence, presenceStats and history: ask for "channel", with "options". Each is
//     answered by a `told` event whose "method" is the word.
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
  client.on('unsubscribed', ({ channel }) => tell('unsubscribed', { channel }));
  client.on('join', ({ channel, info }) => tell('join', { channel, user: info.user }));
  client.on('leave', ({ channel, info }) => tell('leave', { channel, user: info.user }));
  const own = { own: true };
  const join = ({ channel, options: { data: said, ...options } = {} }) => {
    const subscription = client.getSubscription(channel)
      ?? client.newSubscription(channel, { ...options, ...(said && { data: write(said) }) });
    if (!subscription.listenerCount('subscribed')) {
      subscription.on('subscribed', ({ wasRecovering, recovered, streamPosition }) => tell('subscribed',
        { channel, was_recovering: wasRecovering, recovered, position: streamPosition ?? null, ...own }));
      subscription.on('unsubscribed', ({ code, reason }) => tell('unsubscribed', { channel, code, reason, ...own }));
      subscription.on('publication', ({ offset, data }) =>
        tell('publication', { channel, offset, data: read(data), ...own }));
      subscription.on('join', ({ info }) => tell('join', { channel, user: info.user, ...own }));
      subscription.on('leave', ({ info }) => tell('leave', { channel, user: info.user, ...own }));
    }
    subscription.subscribe();
  };
  const leave = ({ channel }) => client.getSubscription(channel).unsubscribe();
  const asked = (method, question) => question.then(
    (answer) => tell('told', { method, data: plain(method, answer) }),
    ({ code, message }) => tell('told', { method, code, message }));
  const plain = (method, answer) => (method === 'history'
    ? { ...answer, publications: answer.publications.map((one) => ({ ...one, data: read(one.data) })) } : answer);
  const publish = ({ channel, data }) => asked('publish', client.publish(channel, write(data)));
  const presence = ({ channel }) => asked('presence', client.presence(channel));
  const presenceStats = ({ channel }) => asked('presenceStats', client.presenceStats(channel));
  const history = ({ channel, options }) => asked('history', client.history(channel, options));
  const rpc = ({ method, data }) => client.rpc(method, write(data))
    .then((answer) => tell('told', { method, data: read(answer.data) }), ({ code, message }) => tell('told', { method, code, message }));
  client.connect();
  return { client, words: { rpc, join, leave, publish, presence, presenceStats, history } };
}

const clients = tokens.map(listen);

function obey({ client: number, do: word, ...facts }) {
  if (word === 'restart') {
    clients[number].client.disconnect();
    clients[number] = listen(tokens[number], number);
  } else if (clients[number].words[word]) {
    clients[number].words[word](facts);
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
