import { assert, assertEquals } from "@std/assert";
import { parse } from "yaml";

const FOLDER = new URL("../.github/", import.meta.url);
const FULL_COMMIT = /^[\w.-]+\/[\w.-]+@[0-9a-f]{40}$/;

interface Step {
  readonly id?: string;
  readonly name?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

interface Job {
  readonly if?: string;
  readonly environment?: { readonly name: string };
  readonly concurrency?: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly "timeout-minutes": number;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: unknown;
  readonly concurrency?: unknown;
  readonly env?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

async function workflow(name: string): Promise<Workflow> {
  return parse(await Deno.readTextFile(new URL(`workflows/${name}.yml`, FOLDER)));
}

const check = await workflow("check");
const deploy = await workflow("deploy");
const WORKFLOWS = { check, deploy };

/** Every step of a workflow. */
function stepsOf({ jobs }: Workflow): Step[] {
  return Object.values(jobs).flatMap(({ steps }) => steps);
}

function jobNamed({ jobs }: Workflow, name: string): Job {
  const job = jobs[name];
  assert(job, `there is no job ${name}`);
  return job;
}

for (const [name, given] of Object.entries(WORKFLOWS)) {
  Deno.test(`${name}.yml reads the repository and no more, and no step inherits a secret [A4]`, () => {
    assertEquals(given.permissions, { contents: "read" });
    assertEquals(given.env, undefined);
    for (const job of Object.values(given.jobs)) {
      assertEquals([job.permissions, "env" in job], [undefined, false]);
      assert(job["timeout-minutes"] > 0);
    }
    for (const { uses, with: options } of stepsOf(given)) {
      if (uses?.startsWith("actions/checkout@")) {
        assertEquals(options?.["persist-credentials"], false);
      }
    }
  });

  Deno.test(`${name}.yml pins every action to a commit`, () => {
    const used = stepsOf(given).flatMap(({ uses }) => uses ?? []);
    assert(used.length > 0);
    assertEquals(used.filter((action) => !FULL_COMMIT.test(action)), []);
  });

  Deno.test(`${name}.yml puts no expression into a shell's text`, () => {
    const runs = stepsOf(given).flatMap(({ run }) => run ?? []);
    assert(runs.length > 0);
    assertEquals(runs.filter((run) => run.includes("${{")), []);
  });
}

Deno.test("deploy.yml deploys Modal, sets the secrets, deploys the app and smoke-tests it, in this order", () => {
  const { steps } = jobNamed(deploy, "deploy");
  const order = steps.flatMap(({ id, run }) => id ? [[id, run]] : []);
  assertEquals(order, [
    ["modal", "bash .github/deploy/modal.sh"],
    ["secrets", "bash .github/deploy/settings.sh"],
    ["app", "bash .github/deploy/app.sh"],
    ["smoke", 'deno task smoke "$DEPLOYED_URL"'],
  ]);
  // Whatever fails ends the deploy.
  assert(!steps.some((step) => "if" in step || "continue-on-error" in step));
});

Deno.test("deploy.yml deploys what was checked on main, one at a time, in an environment of its own", () => {
  const { jobs: { deploy: job, ...others } } = deploy;
  assert(job);
  assertEquals(others, {});
  assertEquals(deploy.on, {
    workflow_dispatch: null,
    workflow_run: { workflows: [check.name], types: ["completed"], branches: ["main"] },
  });
  for (
    const condition of [
      "github.ref == 'refs/heads/main'",
      "workflow_run.conclusion == 'success'",
      "workflow_run.event == 'push'",
      "workflow_run.head_branch == 'main'",
      "workflow_run.head_repository.full_name == github.repository",
    ]
  ) {
    assert(job.if?.includes(condition), `${condition} is no condition`);
  }
  assertEquals(job.concurrency, { group: "deploy", "cancel-in-progress": false });
  assertEquals(job.environment?.name, "production");
  const [checkout] = job.steps;
  assertEquals(
    checkout?.with?.ref,
    "${{ github.event.workflow_run.head_sha || github.sha }}",
  );
});

Deno.test("deploy.yml keeps away from the Deno that hands deno deploy each argument twice", () => {
  const setups = stepsOf(deploy).filter(({ uses }) => uses?.startsWith("denoland/setup-deno@"));
  assertEquals(setups.map((step) => step.with?.["deno-version"]), ["2.9.5"]);
});

Deno.test("deploy.yml gives each step the secrets that it needs, and no other [A4]", () => {
  const secretsOf = ({ env = {} }: Step) =>
    Object.entries(env).filter(([, value]) => value.includes("secrets.")).map(([name, value]) => {
      assertEquals(value, `\${{ secrets.${name} }}`);
      return name;
    });
  const given = jobNamed(deploy, "deploy").steps.map((step) => [step.id, secretsOf(step)]);
  const modal = ["MODAL_TOKEN_ID", "MODAL_TOKEN_SECRET"];
  const mayBeLeftOut = [
    "FORESIGHT_POKE_API_KEY",
    "TOKEN_SIGNING_KEYS",
    "SECRET_SEALING_KEYS",
    "WEBHOOK_SIGNING_KEYS",
  ];
  assertEquals(given.filter(([, secrets]) => secrets!.length > 0), [
    ["modal", modal],
    ["secrets", ["DENO_DEPLOY_TOKEN", "MAGIC_WORD", ...mayBeLeftOut, ...modal]],
    ["app", ["DENO_DEPLOY_TOKEN"]],
    ["smoke", ["MAGIC_WORD"]],
  ]);
});

Deno.test("the README names every secret and variable that deploy.yml reads", async () => {
  const readme = await Deno.readTextFile(new URL("../README.md", FOLDER));
  const text = await Deno.readTextFile(new URL("workflows/deploy.yml", FOLDER));
  const names = [...text.matchAll(/\b(?:secrets|vars)\.(\w+)/g)].map(([, name]) => name!);
  assert(names.length > 5);
  const section = readme.split(/^## /m).find((part) => part.startsWith("Deploy")) ?? "";
  assertEquals(names.filter((name) => !section.includes(`\`${name}\``)), []);
});

Deno.test("check.yml runs on pushes and pull requests, here and with the real JSR packages", () => {
  assertEquals(check.on, { push: { branches: ["main"] }, pull_request: null });
  const [linked, real] = ["linked", "real"].map((name) =>
    jobNamed(check, name).steps.flatMap(({ run }) => run?.trim().split("\n") ?? [])
  );
  assertEquals(linked, ["bash .ci/run"]);
  assertEquals(real, [
    "jq 'del(.links)' deno.json > deno.real.json",
    "mv deno.real.json deno.json",
    "rm -r links deno.lock",
    "deno install",
    "deno lint && deno check",
    "deno task test",
  ]);
});
