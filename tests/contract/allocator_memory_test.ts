import { MemoryAllocator } from "#src/allocator/mod.ts";
import { allocatorContract } from "./allocator_suite.ts";

allocatorContract("MemoryAllocator", (kind, range) => new MemoryAllocator(kind, range));
