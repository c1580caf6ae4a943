// SPDX-License-Identifier: MIT
//
// usage: node typescript_v2_stdio.mjs [both|modern|legacy]
// `legacy` is a server that knows nothing of the modern era: the transport without the SDK's entry.
import { serveStdio, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { createServer } from './typescript_v2.mjs';

const eras = process.argv[2] ?? 'both';
if (eras === 'legacy') {
  await createServer({ era: 'legacy' }).connect(new StdioServerTransport());
} else {
  serveStdio(createServer, { legacy: eras === 'modern' ? 'reject' : 'serve' });
}
