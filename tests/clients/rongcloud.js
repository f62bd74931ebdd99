// RongCloud's official server SDK for Node.js, unmodified, pointed at laba.
//
//   node rongcloud.js BASE_URL APP_KEY APP_SECRET CALLS
//
// CALLS is a JSON array of [name, method path, argument], as in ["push", "Push.message", {...}].
// Standard output: one JSON object, name -> what the SDK resolved with, or {"rejected": ...}.
'use strict';

const [api, appkey, secret, calls] = process.argv.slice(2);
const sdk = require('rongcloud-sdk')({ appkey, secret, api });

(async () => {
  const told = {};
  for (const [name, path, argument] of JSON.parse(calls)) {
    const parts = path.split('.');
    const method = parts.pop();
    const owner = parts.reduce((part, key) => part[key], sdk);
    try {
      told[name] = await owner[method](argument);
    } catch (error) {
      told[name] = { rejected: error && error.message ? error.message : error };
    }
  }
  process.stdout.write(JSON.stringify(told));
})();
