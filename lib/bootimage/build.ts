/**
 * Builds the boot image: the one piece of machine code that exists before anything is compiled.
 *
 * The image is committed as bytes in `lib/host/boot_image.ts`, because the host must not import an assembler to start; a test runs
 * this builder and compares. The image's name carries the hash of its contents, so two versions never meet under one name (BOOT-2).
 */

import { BOOT_DATA_BYTES, BOOT_SYMBOLS } from "../host/mod.ts";
import { buildSharedObject, type SharedSymbol } from "../elf/mod.ts";
import { emitActivation } from "./activation.ts";
import { BootAssembler } from "./boot_assembler.ts";
import { emitFaultHandlers } from "./faults.ts";
import { emitInitialise, emitSys, emitThreadExit } from "./process.ts";
import { emitTicker } from "./ticker.ts";

/** Where the code starts in the image: behind the loader's tables, at a cache line. */
const TEXT_ADDRESS = 640;
/** Where the boot data starts: at a page, with one for the dynamic section before it. */
const DATA_ADDRESS = 0x2000;
/** What the kernel shows in /proc/self/maps for the code arena. */
const ARENA_NAME = "theropod-code";
/** Digits of SHA-256 in the name. */
const HASH_DIGITS = 16;

/** A built image. */
export interface BootImage {
  /** Its DT_SONAME. */
  readonly soname: string;
  /** The shared object. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Assembles the image. */
export async function buildBootImage(): Promise<BootImage> {
  const code = assemble();
  const draft = link("0".repeat(HASH_DIGITS), code);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", draft.bytes));
  return link(digest.toHex().slice(0, HASH_DIGITS), code);
}

/** The text of `lib/host/boot_image.ts`. */
export function renderBootImage(image: BootImage): string {
  const base64 = image.bytes.toBase64();
  const lines = base64.match(/.{1,108}/g) ?? [];
  return `/** The boot image, built by \`lib/bootimage\`: a test rebuilds it and compares. Generated, do not edit. */

/** The name the loader knows the image by. */
export const BOOT_IMAGE_SONAME = "${image.soname}";

/** The shared object, in base64. */
export const BOOT_IMAGE_BASE64 =
  ${lines.map((line) => `"${line}"`).join(" +\n  ")};
`;
}

interface Code {
  readonly text: Uint8Array<ArrayBuffer>;
  readonly symbols: readonly SharedSymbol[];
}

function assemble(): Code {
  const a = new BootAssembler();
  const data = a.newLabel();
  const initialise = a.newLabel();
  const arenaName = a.newLabel();
  const exit = a.newLabel();

  const activation = emitActivation(a, data);
  const sys = emitSys(a, initialise);
  const sysEnd = a.offset;
  const faults = emitFaultHandlers(a, data, activation.fault);
  emitThreadExit(a, data, exit);
  const ticker = emitTicker(a, data);
  emitInitialise(a, { data, initialise, arenaName, exit, ticker, activation, faults });
  a.bind(arenaName);
  a.buffer.append(new TextEncoder().encode(ARENA_NAME + "\0"));

  const textBytes = a.offset;
  // The loader puts the boot data at a fixed distance from the code: its label is bound there, in padding that is cut off again.
  while (a.offset < DATA_ADDRESS - TEXT_ADDRESS) a.buffer.u8(0);
  a.bind(data);
  a.finish();

  const function_ = (name: string, from: number, to: number): SharedSymbol => ({
    name,
    section: "text",
    offsetBytes: from,
    byteLength: to - from,
  });
  const enterAt = a.labelOffset(activation.enter);
  const resumeAt = a.labelOffset(activation.resume);
  const trapAt = a.labelOffset(activation.trap);
  const sysAt = a.labelOffset(sys);
  return {
    text: a.buffer.bytes.slice(0, textBytes),
    symbols: [
      function_(BOOT_SYMBOLS.enter, enterAt, resumeAt),
      function_(BOOT_SYMBOLS.resume, resumeAt, trapAt),
      function_(BOOT_SYMBOLS.sys, sysAt, sysEnd),
      { name: BOOT_SYMBOLS.data, section: "data", offsetBytes: 0, byteLength: BOOT_DATA_BYTES },
    ],
  };
}

function link(hash: string, { text, symbols }: Code): BootImage {
  const soname = `theropod-boot-${hash}.so`;
  const bytes = buildSharedObject({
    soname,
    text,
    textAddress: TEXT_ADDRESS,
    dataAddress: DATA_ADDRESS,
    dataBytes: BOOT_DATA_BYTES,
    symbols,
  });
  return { soname, bytes };
}
