// SPDX-License-Identifier: MIT
//
// usage: node typescript_v2_http.mjs PORT [both|modern|legacy]
// PORT 0 takes a free one. Prints "listening PORT" when it serves http://127.0.0.1:PORT/mcp.
// `legacy` is a server that knows nothing of the modern era, without sessions.
import http from 'node:http';
import { createMcpHandler, legacyStatelessFallback } from '@modelcontextprotocol/server';
import { createServer } from './typescript_v2.mjs';

const eras = process.argv[3] ?? 'both';
const answer = eras === 'legacy'
  ? legacyStatelessFallback(createServer)
  : createMcpHandler(createServer, { legacy: eras === 'modern' ? 'reject' : 'stateless' }).fetch;

async function serve(incoming, outgoing) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
  const url = `http://${incoming.headers.host}${incoming.url}`;
  const response = await answer(
    new Request(url, { method: incoming.method, headers: incoming.headers, body }));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  if (response.body) for await (const chunk of response.body) outgoing.write(chunk);
  outgoing.end();
}

const server = http.createServer((incoming, outgoing) => {
  serve(incoming, outgoing).catch(() => outgoing.destroy());
});
server.listen(Number(process.argv[2]), '127.0.0.1',
  () => console.log(`listening ${server.address().port}`));
