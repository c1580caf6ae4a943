// SPDX-License-Identifier: MIT
//
// The server that typescript_v2_stdio.mjs and typescript_v2_http.mjs offer: one factory on version 2
// of the TypeScript SDK, which serves both eras of MCP. Its tool `seen` tells how the SDK understood
// the request that calls it.
import { fromJsonSchema, McpServer, PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/server';

const text = (value) => ({ content: [{ type: 'text', text: String(value) }] });

const twoNumbers = fromJsonSchema({
  type: 'object',
  properties: { a: { type: 'number' }, b: { type: 'number' } },
  required: ['a', 'b'],
});

/// A new instance for the `era` ('legacy' or 'modern') that the SDK's entry has found out.
export function createServer({ era }) {
  const server = new McpServer({ name: 'typescript-v2', version: '1.0.0' },
    { capabilities: { tools: {} }, instructions: 'for tests' });
  server.registerTool('add', { description: 'Answers with the sum.', inputSchema: twoNumbers },
    async ({ a, b }) => text(a + b));
  server.registerTool('refuse', { description: 'Answers isError.' },
    async () => ({ ...text('refused'), isError: true }));
  server.registerTool('throw', { description: 'Throws.' }, async () => {
    throw new Error('thrown by the tool');
  });
  server.registerTool('seen', { description: 'Answers with what came with this request.' },
    async (context) => text(JSON.stringify({
      era,
      version: context.mcpReq.envelope?.[PROTOCOL_VERSION_META_KEY] ?? null,
      meta: context.mcpReq._meta ?? {},
      process: process.pid,
    })));
  return server;
}
