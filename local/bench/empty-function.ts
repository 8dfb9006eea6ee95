import { app, type HttpRequest, type HttpResponseInit } from '@azure/functions';

/** Reads its body and answers nothing: what the host, TLS and HTTP cost by themselves. */
app.http('bench-empty', {
  route: 'bench/empty',
  methods: ['POST'],
  authLevel: 'anonymous',
  async handler(request: HttpRequest): Promise<HttpResponseInit> {
    await request.arrayBuffer();
    return { status: 200, body: Buffer.alloc(0), headers: { 'content-length': '0' } };
  },
});
