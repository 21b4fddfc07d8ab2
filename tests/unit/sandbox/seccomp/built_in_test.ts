import { builtInProgram, openSeccompFilter } from "#src/sandbox/mod.ts";
import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";

const strict = { sanitizeOps: true, sanitizeResources: true };
const uid = Deno.uid() ?? 0;

Deno.test("openSeccompFilter() compiles the built-in policy for the machine", strict, async () => {
  const programs = [];
  for (const arch of ["x86_64", "aarch64"] as const) {
    const program = builtInProgram(arch);
    programs.push(program.toBase64());
    assertEquals(await openSeccompFilter({ kind: "default" }, { uid, arch }), {
      instructions: program.length / 8,
      base64: program.toBase64(),
    });
  }
  assertEquals(new Set(programs).size, 2);
});

Deno.test("openSeccompFilter() says what to do where no policy is built in", strict, async () => {
  await assertRejects(
    () => openSeccompFilter({ kind: "default" }, { uid, arch: "riscv64" }),
    Error,
    "there is no built-in system call policy for riscv64, only for x86_64 and aarch64: set " +
      "process.seccomp_profile to the path of a compiled filter, or to none",
  );
});

Deno.test("openSeccompFilter() reads a file on whatever machine", strict, async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/filter`;
  await Deno.writeFile(path, builtInProgram("x86_64"), { mode: 0o600 });
  const source = { kind: "file", path } as const;
  assertEquals(
    await openSeccompFilter(source, { uid, arch: "riscv64" }),
    await openSeccompFilter({ kind: "default" }, { uid, arch: "x86_64" }),
  );
});
