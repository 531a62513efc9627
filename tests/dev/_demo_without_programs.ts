/**
 * Runs the demo where no program can be found: `PATH` names one folder only. In a process of its own,
 * as it takes the whole path of Deno to start the next one.
 *
 * Arguments: the folder, the clip.
 *
 * @module
 */
import { demoCommand } from "./_demo_command.ts";

if (import.meta.main) {
  const [folder, clip] = Deno.args as [string, string];
  const demo = new Deno.Command(Deno.execPath(), {
    args: [...await demoCommand(), clip],
    env: { PATH: folder },
  });
  const { code, stdout, stderr } = await demo.output();
  Deno.stdout.writeSync(stdout);
  Deno.stderr.writeSync(stderr);
  Deno.exit(code);
}
