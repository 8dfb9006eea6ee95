import { type CommandRun, type LoginStatus, runCommands } from './command-runner.ts';
import type { CspTree, Effect } from './csp-tree.ts';
import { devInfo } from './device-nodes.ts';
import { md5Credential } from './digest.ts';
import { DeviceError, httpHresult, ProtocolViolation } from './errors.ts';
import type { HttpClient, HttpReply } from './http-client.ts';
import { inMessages } from './large-values.ts';
import type { Machine } from './machine.ts';
import type { AccountCredential } from './provisioned-account.ts';
import { readServerMessage, type ServerMessage } from './syncml-message.ts';
import { type Outgoing, writeMessage } from './syncml-writer.ts';

/** What became of a management session. Sizes are those of the HTTP bodies. */
export interface SessionOutcome {
  sessionId: string;
  /** messages that the device sent */
  messages: number;
  bytesOut: number;
  bytesIn: number;
  commandsRun: CommandRun[];
  effects: Effect[];
  unenroll: boolean;
  /** how often the server challenged */
  challenges: number;
  /** what a PC lets pass and a server should still have right */
  remarks: string[];
}

export interface SessionOptions {
  http: HttpClient;
  url: string;
  machine: Machine;
  sessionId: string;
  appsrv: AccountCredential;
  tree: CspTree;
  loginStatus: LoginStatus;
  clientRequestId: string;
  /** the data of a 1226 unenrollment alert to report; the session then takes no commands */
  unenrollAlert?: string;
  /** called when a nonce or the tree has changed, before anything is sent that depends on it */
  save: () => Promise<void>;
}

const INSTALLED = 'Reversed-Domain-Name:com.microsoft.mdm.win32csp_install';
const UNENROLLMENT = 'com.microsoft:mdm.unenrollment.userrequest';

/**
 * One management session (OMA-DM 1.2.1, MS-MDM) as the native client holds it: package 1, a challenge answered if there is
 * one, commands and their answers until the server has no more.
 * Errors: DeviceError for transport and HTTP statuses, ProtocolViolation where a reply breaks the rules.
 */
export async function runSession(options: SessionOptions): Promise<SessionOutcome> {
  return new Session(options).run();
}

class Session {
  readonly #o: SessionOptions;
  readonly #outcome: SessionOutcome;
  #url: string;
  #msgId = 0;
  #serverMsgId = 0;
  #authenticating = false;
  #sent: { cmdId: string; cmd: string }[] = [];

  constructor(options: SessionOptions) {
    this.#o = options;
    this.#url = sessionUrl(options.url, options.loginStatus);
    this.#outcome = {
      sessionId: options.sessionId,
      messages: 0,
      bytesOut: 0,
      bytesIn: 0,
      commandsRun: [],
      effects: [],
      unenroll: false,
      challenges: 0,
      remarks: [],
    };
  }

  async run(): Promise<SessionOutcome> {
    let reply = await this.#open();
    while (reply && reply.commands.length > 0 && !reply.aborted && this.#o.unenrollAlert === undefined) {
      const serverMsgId = reply.msgId;
      const result = runCommands(reply.commands, {
        tree: this.#o.tree,
        serverMsgId,
        loginStatus: this.#o.loginStatus,
      });
      this.#outcome.commandsRun.push(...result.run);
      this.#outcome.effects.push(...result.effects);
      await this.#o.save();
      if (result.unenroll) {
        this.#outcome.unenroll = true;
        return this.#outcome;
      }
      if (result.aborts) {
        await this.#post([this.#headerStatus(serverMsgId), { kind: 'Alert', code: 1223 }], 1);
        return this.#outcome;
      }
      reply = await this.#answer(serverMsgId, result.answers);
    }
    return this.#outcome;
  }

  // One message, or more where a value goes in pieces; between them the server asks on.
  async #answer(serverMsgId: number, answers: Outgoing[]): Promise<ServerMessage | undefined> {
    const messages = inMessages(answers, this.#o.machine.pieceCharacters);
    let reply: ServerMessage | undefined;
    for (const [index, message] of messages.entries()) {
      const final = index === messages.length - 1;
      reply = await this.#post([this.#headerStatus(reply?.msgId ?? serverMsgId), ...message], 1, final);
      if (reply?.challenge) throw authenticationFailed('the server challenged in the middle of the session');
    }
    return reply;
  }

  // Package 1, again with a credential after each challenge. The CmdIDs begin at 2: 1 is for the Status of the repetition.
  async #open(): Promise<ServerMessage | undefined> {
    const package1 = this.#package1();
    let reply = await this.#post(package1, 2);
    while (reply?.challenge && (reply.headerStatus === 401 || reply.headerStatus === 407)) {
      if (++this.#outcome.challenges > 2) throw authenticationFailed('the server challenged a third time');
      if (reply.challenge.type !== 'syncml:auth-md5')
        throw authenticationFailed(`challenge of type ${reply.challenge.type}`);
      this.#authenticating = true;
      this.#o.appsrv.nonce = reply.challenge.nextNonce;
      await this.#o.save();
      reply = await this.#post([this.#headerStatus(reply.msgId), ...package1], 1);
    }
    await this.#forgetLater();
    return reply;
  }

  // The server has taken package 1, and with it what came of earlier Execs.
  async #forgetLater(): Promise<void> {
    if (!this.#o.tree.state.later) return;
    delete this.#o.tree.state.later;
    await this.#o.save();
  }

  #package1(): Outgoing[] {
    const { unenrollAlert } = this.#o;
    return [
      { kind: 'Alert', code: 1201 },
      { kind: 'Alert', code: 1224, type: 'com.microsoft/MDM/LoginStatus', data: this.#o.loginStatus },
      ...(unenrollAlert === undefined
        ? []
        : [
            {
              kind: 'Alert' as const,
              code: 1226,
              type: UNENROLLMENT,
              format: 'int',
              mark: 'critical',
              data: unenrollAlert,
            },
          ]),
      ...(this.#o.tree.state.later ?? []).map(({ target, data }) => ({
        kind: 'Alert' as const,
        code: 1226,
        type: INSTALLED,
        format: 'int',
        mark: 'informational',
        source: target,
        data,
      })),
      {
        kind: 'Replace',
        items: devInfo(this.#o.machine).map((node) => ({ source: node.path, data: node.value ?? '' })),
      },
    ];
  }

  #headerStatus(serverMsgId: number): Outgoing {
    return { kind: 'Status', msgRef: String(serverMsgId), cmdRef: '0', cmd: 'SyncHdr', code: 200 };
  }

  async #post(commands: Outgoing[], firstCmdId: number, final = true): Promise<ServerMessage | undefined> {
    const numbered = commands.map((command, n): [number, Outgoing] => [firstCmdId + n, command]);
    this.#sent = numbered
      .filter(([, command]) => command.kind === 'Alert' || command.kind === 'Replace')
      .map(([cmdId, command]) => ({ cmdId: String(cmdId), cmd: command.kind }));
    const { name, secret, nonce } = this.#o.appsrv;
    const body = writeMessage({
      sessionId: this.#o.sessionId,
      msgId: ++this.#msgId,
      target: this.#o.url,
      source: this.#o.machine.deviceId,
      locName: this.#authenticating ? name : undefined,
      credential: this.#authenticating ? md5Credential(name, secret, nonce) : undefined,
      commands: numbered,
      final,
    });
    const reply = await this.#o.http.send({
      step: `message ${this.#msgId}`,
      method: 'POST',
      url: this.#url,
      headers: this.#headers(),
      body,
    });
    this.#outcome.messages++;
    this.#outcome.bytesOut += body.length;
    this.#outcome.bytesIn += reply.body.length;
    return this.#read(reply, final);
  }

  #headers(): Record<string, string> {
    return {
      'Content-Type': 'application/vnd.syncml.dm+xml',
      Accept: 'application/vnd.syncml.dm+xml, application/vnd.syncml.dm+wbxml, application/octet-stream',
      'Accept-Charset': 'UTF-8',
      'User-Agent': 'MSFT OMA DM Client/1.2.0.1',
      'Client-Request-Id': this.#o.clientRequestId,
      ...(this.#o.unenrollAlert === undefined ? {} : { 'MDM-GenericAlert': `<${UNENROLLMENT}>` }),
    };
  }

  #read(reply: HttpReply, final: boolean): ServerMessage | undefined {
    if (reply.status !== 200) {
      throw new DeviceError(
        httpHresult(reply.status),
        'session',
        `the management server answered HTTP ${reply.status}`,
        {
          retryAfter: reply.status === 429 || reply.status === 503 ? reply.retryAfter : undefined,
        },
      );
    }
    if (reply.body.length === 0) {
      this.#outcome.remarks.push('the session ended by an empty reply');
      return undefined;
    }
    if (reply.contentType.split(';')[0]?.trim().toLowerCase() !== 'application/vnd.syncml.dm+xml') {
      throw new ProtocolViolation('content-type', `Content-Type is "${reply.contentType}"`);
    }
    const message = readServerMessage(reply.body, {
      sessionId: this.#o.sessionId,
      msgId: this.#msgId,
      deviceId: this.#o.machine.deviceId,
      lastServerMsgId: this.#serverMsgId,
      sent: this.#sent,
      final,
    });
    this.#serverMsgId = message.msgId;
    this.#outcome.remarks.push(...message.remarks);
    if (message.respUri && /^https:\/\//.test(message.respUri)) this.#url = message.respUri;
    this.#accept(message);
    return message;
  }

  // 200: the credential goes into every message; 212: it has been taken for the whole session.
  #accept(message: ServerMessage): void {
    const { headerStatus, challenge } = message;
    if (headerStatus === 200 || headerStatus === 212) {
      if (headerStatus === 212) this.#authenticating = false;
      if (challenge) this.#outcome.remarks.push(`a nonce for the next session came with ${headerStatus}`);
      if (challenge?.nextNonce && headerStatus === 212) this.#o.appsrv.nonce = challenge.nextNonce;
      if (challenge) message.challenge = undefined;
    } else if (!challenge) {
      throw authenticationFailed(`the server answered SyncHdr with ${headerStatus}`);
    }
  }
}

// Ours end a session in the state that nothing was refused for good: the next poll tries again.
function authenticationFailed(message: string): DeviceError {
  return new DeviceError(httpHresult(401), 'session', message);
}

function sessionUrl(address: string, loginStatus: LoginStatus): string {
  const mode = loginStatus === 'user' ? 'mode=Maintenance' : 'mode=Machine';
  return `${address}${address.includes('?') ? '&' : '?'}${mode}&Platform=WoA`;
}
