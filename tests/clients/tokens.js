// Tokens for laba's tests, from the official `agora-token` builder, unmodified.
//
//   node tokens.js '[{"app_id": ..., "certificate": ..., "seconds": ..., "user": ...}, ...]'
//
// Prints a JSON array of tokens: a user's where `user` is given, else the app's.
'use strict';

const { ChatTokenBuilder } = require('agora-token');

const orders = JSON.parse(process.argv[2]);
const tokens = orders.map(({ app_id: appId, certificate, seconds, user }) =>
  user === undefined
    ? ChatTokenBuilder.buildAppToken(appId, certificate, seconds)
    : ChatTokenBuilder.buildUserToken(appId, certificate, user, seconds));
process.stdout.write(JSON.stringify(tokens));
