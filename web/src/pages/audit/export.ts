// A whole list of events taken away, part after part, each of which the server bounds and records. What has come is held
// where its size does not matter; what broke off is taken up behind the last whole part. Knows neither React nor a place
// on the page.

import { Refused } from "../../api/client";

/** Where what has come is put. */
export interface Keep {
  put(bytes: Uint8Array): Promise<void>;
  /** The part is whole. */
  partEnds(): Promise<void>;
  /** What came of a part that is not whole is forgotten. */
  partBreaks(): Promise<void>;
  /** All of it has come: it is handed to the person. */
  handOver(): Promise<void>;
  /** Nobody wants it any more. */
  drop(): Promise<void>;
}

/** How far it is, in places of the list. */
export interface Progress {
  /** The place before the first. */
  begin: number;
  at: number;
  last: number;
  bytes: number;
  parts: number;
}

interface Asked {
  /** Of the first part; each of the others goes on behind a place. */
  address: string;
  /** Each part begins with a row of names, of which the first is enough. */
  hasHeader: boolean;
}

/** Places of a part: small enough that its progress is seen to move, and little is lost where one breaks off. */
const SPAN = 25_000;
const LINE_END = 10;

export class Exporting {
  readonly #asked: Asked;
  readonly #keep: Keep;
  readonly #told: (progress: Progress) => void;
  #after: string | null = null;
  #progress: Progress = { begin: 0, at: 0, last: 0, bytes: 0, parts: 0 };

  constructor(asked: Asked, keep: Keep, told: (progress: Progress) => void) {
    this.#asked = asked;
    this.#keep = keep;
    this.#told = told;
  }

  /** Goes to the end from where it stands. After a failure it can be called again. */
  async run(signal: AbortSignal): Promise<void> {
    do {
      const bytes = this.#progress.bytes;
      try {
        this.#after = await this.#part(signal);
        await this.#keep.partEnds();
      } catch (error) {
        this.#progress = { ...this.#progress, bytes };
        await this.#keep.partBreaks();
        throw error;
      }
      this.#progress = { ...this.#progress, parts: this.#progress.parts + 1 };
      this.#told(this.#progress);
    } while (this.#after !== null);
    await this.#keep.handOver();
  }

  async #part(signal: AbortSignal): Promise<string | null> {
    const { address, hasHeader } = this.#asked;
    const after = this.#after === null ? "" : `&after=${this.#after}`;
    const answer = await fetch(`${address}&span=${SPAN}${after}`, { signal, credentials: "same-origin" }).catch(
      (why) => {
        throw signal.aborted ? why : Refused.unreachable(why);
      },
    );
    if (!answer.ok || !answer.body) {
      throw Refused.of(answer.status, await answer.json().catch(() => null));
    }
    const [, first, to, last] = /^(\d+)-(\d+)\/(\d+)$/.exec(answer.headers.get("streamwarden-places") ?? "") ?? [];
    let isHeader = hasHeader && this.#progress.parts > 0;
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      let bytes = value;
      if (isHeader) {
        const end = bytes.indexOf(LINE_END);
        if (end === -1) continue;
        bytes = bytes.subarray(end + 1);
        isHeader = false;
      }
      await this.#keep.put(bytes);
      this.#progress = { ...this.#progress, bytes: this.#progress.bytes + bytes.length };
      this.#told(this.#progress);
    }
    const begin = this.#progress.parts === 0 ? Number(first ?? 1) - 1 : this.#progress.begin;
    this.#progress = { ...this.#progress, begin, at: Number(to ?? 0), last: Number(last ?? 0) };
    return answer.headers.get("streamwarden-next");
  }
}

/** Where exports are written until they are whole, in the browser's own storage for this origin. */
const FOLDER = "exports";
/** What is left of an export whose page was closed is deleted after so long. */
const LEFT_MS = 3_600_000;

/** A file in the browser's storage where it has one, and else a file for each part. */
export async function keepAs(name: string): Promise<Keep> {
  const folder = await folderOf();
  return folder ? FileKeep.open(folder, name) : new PartsKeep(name);
}

/** The folder; none where the browser has none, as on a page that came without TLS from another machine. */
async function folderOf(): Promise<FileSystemDirectoryHandle | null> {
  const canWrite = typeof FileSystemFileHandle !== "undefined" && "createWritable" in FileSystemFileHandle.prototype;
  if (!canWrite) return null;
  try {
    const root = await navigator.storage.getDirectory();
    return await root.getDirectoryHandle(FOLDER, { create: true });
  } catch {
    return null; // refused, as in some private windows
  }
}

/** Deletes what other exports left behind. */
export async function tidy(): Promise<void> {
  const folder = await folderOf();
  if (!folder) return;
  const handles = (folder as unknown as { values(): AsyncIterable<FileSystemHandle> }).values();
  for await (const handle of handles) {
    if (handle.kind !== "file") continue;
    const { lastModified } = await (handle as FileSystemFileHandle).getFile();
    if (Date.now() - lastModified > LEFT_MS) await folder.removeEntry(handle.name);
  }
}

class FileKeep implements Keep {
  #length = 0;
  #whole = 0;

  private constructor(
    readonly folder: FileSystemDirectoryHandle,
    readonly handle: FileSystemFileHandle,
    readonly file: FileSystemWritableFileStream,
    readonly name: string,
  ) {}

  static async open(folder: FileSystemDirectoryHandle, name: string): Promise<FileKeep> {
    const handle = await folder.getFileHandle(`${crypto.randomUUID()} ${name}`, { create: true });
    return new FileKeep(folder, handle, await handle.createWritable(), name);
  }

  async put(bytes: Uint8Array): Promise<void> {
    await this.file.write({ type: "write", position: this.#length, data: bytes as Uint8Array<ArrayBuffer> });
    this.#length += bytes.length;
  }

  async partEnds(): Promise<void> {
    this.#whole = this.#length;
  }

  async partBreaks(): Promise<void> {
    await this.file.truncate(this.#whole);
    this.#length = this.#whole;
  }

  async handOver(): Promise<void> {
    await this.file.close();
    save(await this.handle.getFile(), this.name);
    setTimeout(() => void this.folder.removeEntry(this.handle.name).catch(() => undefined), SAVING_MS);
  }

  async drop(): Promise<void> {
    await this.file.abort().catch(() => undefined); // it may be closed already
    await this.folder.removeEntry(this.handle.name).catch(() => undefined);
  }
}

/** No more than one part is held at a time. */
class PartsKeep implements Keep {
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #count = 0;

  constructor(readonly name: string) {}

  async put(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes as Uint8Array<ArrayBuffer>);
  }

  async partEnds(): Promise<void> {
    this.#count++;
    save(new Blob(this.#parts), this.name.replace(/(\.\w+)$/, `-${this.#count}$1`));
    this.#parts = [];
  }

  async partBreaks(): Promise<void> {
    this.#parts = [];
  }

  async handOver(): Promise<void> {} // each part was, when it was whole

  async drop(): Promise<void> {
    this.#parts = [];
  }
}

/** How long the browser may take to copy a file to where the person wants it. */
const SAVING_MS = 600_000;

function save(what: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(what);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), SAVING_MS);
}
