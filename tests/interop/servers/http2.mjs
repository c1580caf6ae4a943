// SPDX-License-Identifier: MIT
//
// An MCP server (2026-07-28) over TLS that speaks HTTP/2 as node's own library does, and does to a
// stream what its tools are named after. It makes its certificates itself.
// usage: node http2.mjs FOLDER GOOD SELF_SIGNED WRONG_NAME EXPIRED
//   FOLDER gets `ca.pem`, which signs all but SELF_SIGNED; the rest are ports.
import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';

const [folder, ...ports] = process.argv.slice(2);
const reset = http2.constants;
const waiting = new Map();  // session -> streams that wait for each other
let refusals = 0;
let calls = 0;
let flooded = 0;

function openssl(...args) {
  execFileSync('openssl', args, {cwd: folder, stdio: 'ignore'});
}

function makeKey(name) {
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
}

function makeCertificate(name, names, days) {
  makeKey(name);
  fs.writeFileSync(path.join(folder, `${name}.ext`), `subjectAltName=${names}\n`);
  openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`);
  openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial',
          '-days', String(days), '-extfile', `${name}.ext`, '-out', `${name}.pem`);
}

function makeAuthority(name) {
  makeKey(name);
  openssl('req', '-x509', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-addext',
          'subjectAltName=DNS:localhost', '-days', '2', '-out', `${name}.pem`);
}

function result(id, value) {
  return JSON.stringify({jsonrpc: '2.0', id, result: {resultType: 'complete', ...value}});
}

function text(id, value) {
  return result(id, {content: [{type: 'text', text: JSON.stringify(value)}]});
}

function answer(stream, body) {
  stream.respond({':status': 200, 'content-type': 'application/json'});
  stream.end(body);
}

function event(data) {
  return `event: message\ndata: ${data}\n\n`;
}

function note(id, progress) {
  const params = {progressToken: id, progress, message: 'x'.repeat(4000)};
  return event(JSON.stringify({jsonrpc: '2.0', method: 'notifications/progress', params}));
}

const tools = {
  echo(stream, id) {
    answer(stream, text(id, {session: stream.session.number, calls}));
  },
  events(stream, id) {
    stream.respond({':status': 200, 'content-type': 'text/event-stream'});
    stream.write(note(id, 1));
    stream.write(note(id, 2));
    stream.end(event(text(id, {session: stream.session.number})));
  },
  // Answered when `count` of them are open on one connection.
  meet(stream, id, {count}) {
    const met = waiting.get(stream.session) ?? [];
    met.push(() => answer(stream, text(id, {session: stream.session.number})));
    waiting.set(stream.session, met);
    if (met.length < count) return;
    for (const go of met.splice(0)) go();
  },
  large(stream, id, {bytes}) {
    answer(stream, result(id, {content: [{type: 'text', text: 'y'.repeat(bytes)}]}));
  },
  refuse(stream) {
    ++refusals;
    stream.close(reset.NGHTTP2_REFUSED_STREAM);
  },
  break(stream) {
    stream.close(reset.NGHTTP2_INTERNAL_ERROR);
  },
  cancel(stream) {
    stream.close(reset.NGHTTP2_CANCEL);
  },
  downgrade(stream) {
    stream.close(reset.NGHTTP2_HTTP_1_1_REQUIRED);
  },
  begin_and_refuse(stream, id) {
    stream.respond({':status': 200, 'content-type': 'text/event-stream'});
    stream.write(note(id, 1), () => stream.close(reset.NGHTTP2_REFUSED_STREAM));
  },
  // What came last is said not to have been looked at.
  disown(stream) {
    stream.session.goaway(reset.NGHTTP2_NO_ERROR, stream.id - 2);
  },
  // No new streams; what is open is finished.
  drain(stream, id) {
    stream.session.goaway(reset.NGHTTP2_NO_ERROR);
    setImmediate(() => answer(stream, text(id, {session: stream.session.number})));
  },
  die(stream) {
    stream.session.destroy();
  },
  redirect(stream) {
    stream.respond({':status': 307, location: 'https://localhost:1/other?token=secret'});
    stream.end();
  },
  // Notifications for as long as they are taken.
  flood(stream, id) {
    stream.respond({':status': 200, 'content-type': 'text/event-stream'});
    let progress = 0;
    const more = () => {
      while (!stream.destroyed) {
        const piece = note(id, ++progress);
        flooded += piece.length;
        if (!stream.write(piece)) return;
      }
    };
    stream.on('drain', more);
    more();
  },
};

function serve(stream, headers, body) {
  const {id, method, params} = JSON.parse(body);
  if (method === 'server/discover') {
    return answer(stream, result(id, {
      supportedVersions: ['2026-07-28'], capabilities: {tools: {}}, ttlMs: 0, cacheScope: 'public',
    }));
  }
  if (method !== 'tools/call') return answer(stream, result(id, {}));
  ++calls;
  if (params.name === 'counts') return answer(stream, text(id, {refusals, calls, flooded}));
  return tools[params.name](stream, id, params.arguments);
}

let sessions = 0;
function listen(name, port) {
  const server = http2.createSecureServer({
    key: fs.readFileSync(path.join(folder, `${name}.key`)),
    cert: fs.readFileSync(path.join(folder, `${name}.pem`)),
    allowHTTP1: true,
  });
  server.on('session', (session) => {
    session.number = ++sessions;
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    let body = '';
    stream.on('error', () => {});
    stream.on('data', (piece) => { body += piece; });
    stream.on('end', () => serve(stream, headers, body));
  });
  // Whoever comes here spoke HTTP/1.1.
  server.on('request', (request, response) => {
    if (request.httpVersionMajor === 2) return;
    response.statusCode = 426;
    response.end();
  });
  return new Promise((resolve) => { server.listen(Number(port), '127.0.0.1', resolve); });
}

makeAuthority('ca');
makeCertificate('good', 'DNS:localhost,IP:127.0.0.1', 2);
makeAuthority('self_signed');
makeCertificate('wrong_name', 'DNS:other.example', 2);
makeCertificate('expired', 'DNS:localhost', -1);
const kinds = ['good', 'self_signed', 'wrong_name', 'expired'];
await Promise.all(kinds.map((name, index) => listen(name, ports[index])));
console.log('ready');
