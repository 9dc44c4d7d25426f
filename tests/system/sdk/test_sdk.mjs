// Runway's Node SDK as it comes, against the sandbox: what real client code sees there.
import assert from 'node:assert/strict';
import { File } from 'node:buffer';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, beforeEach, test } from 'node:test';

// Debian 12's Node 18 has it, but not as the global that the SDK looks for.
globalThis.File ??= File;

const require = createRequire(join(process.env.REELGATE_SDK_MODULES, 'from-here.js'));
const sdk = require('@runwayml/sdk');
const RunwayML = sdk.default;

const KEY = 'key_' + '0123456789abcdef'.repeat(8);
const CAT = { model: 'gen4.5', promptText: 'a cat', ratio: '1280:720', duration: 5 };
let sandbox, url, client;

async function listening(child) {
  for await (const line of createInterface({ input: child.stderr })) {
    const fact = JSON.parse(line);
    if (fact.msg === 'sandbox_listening') return fact.port;
  }
  throw new Error('the sandbox did not start');
}

async function admin(path, body) {
  const answer = await fetch(`${url}/admin/${path}`, body ? { method: 'POST', body: JSON.stringify(body) } : {});
  assert.equal(answer.status, 200);
  return answer.json();
}

before(async () => {
  const binary = join(process.env.REELGATE_BIN, 'services', 'sandbox', 'reelgate-sandbox');
  sandbox = spawn(binary, ['--address=127.0.0.1:0', '--run-ms=300ms', '--pending-ms=50ms', '--log-level=info'],
    { stdio: ['ignore', 'ignore', 'pipe'] });
  url = `http://127.0.0.1:${await listening(sandbox)}`;
  sandbox.stderr.resume();
  client = new RunwayML({ apiKey: KEY, baseURL: url });
});

after(async () => {
  const ended = new Promise((resolve) => sandbox.once('exit', resolve));
  sandbox.kill('SIGTERM');
  assert.equal(await ended, 0);
});

beforeEach(() => admin('reset', {}));

test('create, wait, output', async () => {
  const task = await client.textToVideo.create(CAT).waitForTaskOutput();
  assert.equal(task.status, 'SUCCEEDED');
  assert.equal(task.cost.credits, 60);
  const film = await fetch(task.output[0]);
  assert.equal(film.headers.get('content-type'), 'video/mp4');
  assert.equal(Buffer.from(await film.arrayBuffer()).subarray(4, 8).toString(), 'ftyp');
  assert.equal((await admin('state')).created, 1);
});

test('a failed task rejects with its code', async () => {
  const waiting = client.textToVideo.create({ ...CAT, promptText: '[fail:SAFETY.OUTPUT.VIDEO]' }).waitForTaskOutput();
  await assert.rejects(waiting, (error) => error instanceof sdk.TaskFailedError &&
    error.taskDetails.failureCode === 'SAFETY.OUTPUT.VIDEO' && error.taskDetails.cost.credits === 60);
});

test('an unknown status ends the waiting, not the process', async () => {
  const waiting = client.textToVideo.create({ ...CAT, promptText: '[status:WEIRD] [run:60s]' }).waitForTaskOutput();
  await assert.rejects(waiting, sdk.TaskTimedOutError);
});

test('cancel, then it cannot be found', async () => {
  const { id } = await client.textToVideo.create({ ...CAT, promptText: '[pending:0s] [run:60s]' });
  assert.equal((await client.tasks.retrieve(id)).status, 'RUNNING');
  await client.tasks.delete(id);
  await assert.rejects(client.tasks.retrieve(id), RunwayML.NotFoundError);
  await assert.rejects(client.tasks.delete(id), RunwayML.NotFoundError);
  assert.equal((await admin('state')).deletes.effective, 1);
});

test('an upload is an asset', async () => {
  const file = await sdk.toFile(Buffer.alloc(1000, 1), 'frame.png');
  const { uri } = await client.uploads.createEphemeral({ file });
  const { id, estimatedCost } = await client.imageToVideo.create(
    { model: 'gen4_turbo', promptImage: [{ uri, position: 'first' }], ratio: '960:960', duration: 4 });
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(estimatedCost.credits, 20);
});

test('a wrong request is told where', async () => {
  await assert.rejects(client.textToVideo.create({ ...CAT, duration: 1 }), (error) =>
    error instanceof RunwayML.BadRequestError && error.error.issues[0].path[0] === 'duration');
  await assert.rejects(client.textToVideo.create({ ...CAT, surprise: true }), RunwayML.BadRequestError);
  assert.equal((await admin('state')).created, 0);
});

test('a wrong key, no credits, the daily limit', async () => {
  await assert.rejects(new RunwayML({ apiKey: 'key_no', baseURL: url }).organization.retrieve(),
    RunwayML.AuthenticationError);
  await admin('settings', { credits: 0 });
  await assert.rejects(client.textToVideo.create(CAT), (error) =>
    error instanceof RunwayML.BadRequestError && /enough credits/.test(error.message));
  await admin('settings', { credits: 1000, daily: 0 });
  await assert.rejects(client.textToVideo.create(CAT, { maxRetries: 0 }), RunwayML.RateLimitError);
});

test('the SDK sends a create again when its connection dies: two tasks', async () => {
  await admin('faults', { create: { mode: 'reset', count: 1 } });
  await client.textToVideo.create({ ...CAT, promptText: '[id:twin]' });
  const { names, created } = await admin('state');
  assert.equal(created, 2);
  assert.equal(names.twin.total, 2);
});

test('the account reconciles', async () => {
  await client.textToVideo.create(CAT);
  const organization = await client.organization.retrieve();
  const usage = await client.organization.retrieveUsage();
  const spent = usage.results.flatMap((day) => day.usedCredits).reduce((sum, used) => sum + used.amount, 0);
  assert.equal(organization.creditBalance, 1000000 - spent);
  assert.equal(organization.usage.models['gen4.5'].dailyGenerations, 1);
});
