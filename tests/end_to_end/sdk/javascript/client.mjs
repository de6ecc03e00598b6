// What a browser or a node program does with the server: run as `node client.mjs URL`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Client } from "@langchain/langgraph-sdk";

const client = new Client({ apiUrl: process.argv[2], apiKey: null });
const input = { log: ["in"] };
const done = ["in", "first", "middle", "last"];

async function all(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

async function until(read, fits) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const value = await read();
    if (fits(value)) return value;
    assert.ok(Date.now() < deadline, `still ${JSON.stringify(value)}`);
    await new Promise((go) => setTimeout(go, 20));
  }
}

test("a run is streamed, and its stream names the run", async () => {
  const { thread_id } = await client.threads.create();
  let created;
  const parts = await all(
    client.runs.stream(thread_id, "echo", {
      input,
      streamMode: ["updates", "values"],
      onRunCreated: (run) => { created = run; },
    }),
  );
  assert.equal(parts[0].event, "metadata");
  assert.equal(parts[0].data.run_id, created.run_id);
  assert.equal(parts.at(-1).event, "values");
  assert.deepEqual(parts.at(-1).data, { log: done });
  assert.equal(parts.filter((part) => part.event === "updates").length, 3);
});

test("messages are streamed piece by piece", async () => {
  const { thread_id } = await client.threads.create();
  const parts = await all(
    client.runs.stream(thread_id, "chat", {
      input: { messages: [{ role: "user", content: "hi" }] },
      streamMode: "messages-tuple",
    }),
  );
  const said = parts.filter((part) => part.event === "messages").map((part) => part.data[0]);
  assert.equal(said.map((message) => message.content).join(""), "one two three");
  assert.ok(said.length > 1);
});

test("a run is waited for, asks, and goes on with the answer", async () => {
  const { thread_id } = await client.threads.create();
  const asked = await client.runs.wait(thread_id, "approval", { input });
  assert.deepEqual(asked.__interrupt__[0].value, { question: "go on?" });
  const answered = await client.runs.wait(thread_id, "approval", { command: { resume: "yes" } });
  assert.deepEqual(answered.log, ["in", "answer:yes", "last"]);
  await assert.rejects(client.runs.wait(thread_id, "failing", { input: {} }), /boom/);
});

test("a second text interrupts the first", async () => {
  const { thread_id } = await client.threads.create();
  const first = await client.runs.create(thread_id, "echo", { input: { ...input, seconds: 40 } });
  await until(
    () => client.threads.getState(thread_id),
    (state) => state.next[0] === "middle",
  );
  await assert.rejects(
    client.runs.create(thread_id, "echo", { input, multitaskStrategy: "reject" }),
    /409/,
  );
  const values = await client.runs.wait(thread_id, "echo", {
    input: { ...input, seconds: 0 },
    multitaskStrategy: "interrupt",
  });
  assert.deepEqual(values.log, ["in", "first", ...done]);
  assert.equal((await client.runs.get(thread_id, first.run_id)).status, "interrupted");
});

test("the history is read and the state changed", async () => {
  const { thread_id } = await client.threads.create();
  await client.runs.wait(thread_id, "echo", { input });
  const history = await client.threads.getHistory(thread_id);
  assert.deepEqual(history.map((state) => state.next), [[], ["last"], ["middle"], ["first"], ["__start__"]]);
  await client.threads.updateState(thread_id, { values: { log: ["new"] }, asNode: "first" });
  assert.deepEqual((await client.threads.getState(thread_id)).next, ["middle"]);
  const found = await client.threads.search({ ids: [thread_id] });
  assert.equal(found[0].status, "interrupted");
});

test("items are put, found and deleted", async () => {
  await client.store.putItem(["js", "a"], "k", { n: 1 });
  assert.deepEqual((await client.store.getItem(["js", "a"], "k")).value, { n: 1 });
  const { items } = await client.store.searchItems(["js"], { filter: { n: 1 } });
  assert.deepEqual(items.map((item) => item.key), ["k"]);
  const { namespaces } = await client.store.listNamespaces({ prefix: ["js"] });
  assert.deepEqual(namespaces, [["js", "a"]]);
  await client.store.deleteItem(["js", "a"], "k");
  assert.equal(await client.store.getItem(["js", "a"], "k"), null);
});

test("assistants and crons are made and found", async () => {
  const made = await client.assistants.create({ graphId: "echo", name: "from JS" });
  const found = await client.assistants.search({ name: "from JS" });
  assert.deepEqual(found.map((each) => each.assistant_id), [made.assistant_id]);
  const cron = await client.crons.create(made.assistant_id, { schedule: "7 3 29 2 *", input });
  assert.equal(await client.crons.count({ assistantId: made.assistant_id }), 1);
  await client.crons.delete(cron.cron_id);
});
