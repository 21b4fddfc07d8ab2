import { assertEquals, assertRejects } from "#tests/support/assert.ts";
import { needs } from "#tests/support/needs.ts";
import { tempFolder } from "#tests/support/temp_folder.ts";
import { findKernel, moduleOrder, readModule } from "./support/kernel.ts";

const strict = needs();

Deno.test("of the kernels that can use a host's files, the newest is taken", strict, async () => {
  await using root = await tempFolder();
  assertEquals(findKernel(root.path), undefined);
  for (
    const [release, module] of [
      ["6.1.0-9-amd64", "9p.ko"],
      ["6.1.0-56-amd64", "9p.ko.xz"],
      ["6.1.0-57-cloud-amd64", "other.ko"],
      ["6.1.0-58-amd64", "9p.ko"],
    ]
  ) {
    await root.write(`lib/modules/${release}/kernel/fs/9p/${module}`, "");
    if (release !== "6.1.0-58-amd64") await root.write(`boot/vmlinuz-${release}`, "");
  }
  assertEquals(findKernel(root.path), {
    image: `${root.path}/boot/vmlinuz-6.1.0-56-amd64`,
    modules: `${root.path}/lib/modules/6.1.0-56-amd64`,
  });
});

Deno.test("modules are loaded after what they need, and once", strict, () => {
  const dependencies = `kernel/fs/9p/9p.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/fs/netfs/netfs.ko.xz
kernel/net/9p/9pnet.ko.xz:
kernel/fs/netfs/netfs.ko.xz:
kernel/net/9p/9pnet_virtio.ko.xz: kernel/net/9p/9pnet.ko.xz kernel/drivers/virtio/virtio-ring.ko.xz
kernel/drivers/virtio/virtio-ring.ko.xz:
`;
  assertEquals(moduleOrder(["virtio_ring", "9p", "9pnet_virtio", "built_in"], dependencies), [
    "kernel/drivers/virtio/virtio-ring.ko.xz",
    "kernel/fs/netfs/netfs.ko.xz",
    "kernel/net/9p/9pnet.ko.xz",
    "kernel/fs/9p/9p.ko.xz",
    "kernel/net/9p/9pnet_virtio.ko.xz",
  ]);
});

Deno.test("a module that cannot be unpacked is named", strict, async () => {
  await using folder = await tempFolder();
  const kernel = { image: "", modules: folder.path };
  await folder.write("a.ko.xz", "no archive");
  await folder.write("a.ko.zst", "");
  await folder.write("a.ko", "module");
  assertEquals(await readModule(kernel, "a.ko"), new TextEncoder().encode("module"));
  await assertRejects(() => readModule(kernel, "a.ko.xz"), Error, `${folder.path}/a.ko.xz: `);
  await assertRejects(() => readModule(kernel, "a.ko.zst"), Error, "want .ko or .ko.xz");
});
