import { app } from '@azure/functions';

// A second app of the same process: its routes and hooks are its own.

app.http('second', { route: 'second', authLevel: 'anonymous', handler: () => ({ body: 'second' }) });
app.http('named', { authLevel: 'anonymous', handler: () => ({ body: 'named of the second app' }) });
app.timer('nightly', { schedule: '0 30 3 * * *', handler: () => {} });
