import { describe, expect, test } from 'vitest';
import { policySchema } from '../../../shared/catalogue/policy.ts';
import { answerDiscovery } from '../../../shared/enrollment/answer-discovery.ts';
import { answerPolicies } from '../../../shared/enrollment/answer-policies.ts';
import { answerSoap } from '../../../shared/enrollment/answer-soap.ts';
import { ACTION_DISCOVER } from '../../../shared/wire/discovery.ts';
import { ACTION_GET_POLICIES } from '../../../shared/wire/xcep.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { discover, getPolicies } from '../wire/samples.ts';

const policy = policySchema.parse({ ways: ['Federated', 'OnPremise'] });
const rules = { enrollUrl: 'https://enroll.example.org', policy };

async function ask(body: Buffer, action = ACTION_DISCOVER) {
  const log = new MemoryLog();
  const { status } = await answerSoap(body, action, log, (envelope) =>
    action === ACTION_DISCOVER ? answerDiscovery(envelope, rules) : answerPolicies(envelope, policy),
  );
  return { status, lines: log.lines };
}

describe('the log says of a Discovery that was answered', () => {
  test('which version came and which was answered, what was offered and what was chosen, and its size', async () => {
    const body = discover({ version: '9.0', policies: ['OnPremise', 'Federated'] });
    const { status, lines } = await ask(body);
    expect(status).toBe(200);
    const facts = { requestVersion: '9.0', version: '4.0', offered: 'OnPremise, Federated', chosen: 'Federated' };
    expect(lines).toEqual([
      { level: 'info', message: 'Discovery was answered', facts: { ...facts, entra: false, bytes: body.length } },
    ]);
  });

  test('nothing of its user, and no more than a line of what a stranger writes', async () => {
    const { lines } = await ask(discover({ email: 'kim@example.org', policies: Array(500).fill('Password') }));
    expect(JSON.stringify(lines)).not.toContain('kim');
    expect(JSON.stringify(lines).length).toBeLessThan(400);
  });

  test('one warning and no more, where the SOAP action is another', async () => {
    const { status, lines } = await ask(discover(), ACTION_GET_POLICIES);
    expect([status, lines.map(({ level }) => level)]).toEqual([500, ['warn']]);
  });
});

test('the log has one line for a certificate policy that was answered', async () => {
  const body = getPolicies();
  const { status, lines } = await ask(body, ACTION_GET_POLICIES);
  expect(status).toBe(200);
  expect(lines).toEqual([
    {
      level: 'info',
      message: 'The certificate policy was answered',
      facts: { attestation: false, bytes: body.length },
    },
  ]);
});
