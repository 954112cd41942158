import { FieldNames, LIST, OBJECT } from "./json-reader.js";
import { ORDINARY_FIELDS, SPACE } from "./ordinary-descriptor.js";
import { ONLY_2, ONLY_3, StructReader } from "./struct-reader.js";

/** A descriptor as the registry's decoder fills it: what is absent or null is empty. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  /** Bytes. */
  size: number;
  /** How many there are. */
  urls: number;
}

function emptyDescriptor(): Descriptor {
  return { mediaType: "", digest: "", size: 0, urls: 0 };
}

const FIELDS = ["schemaVersion", "mediaType", "config", "layers", "manifests", "annotations", "subject"];
const SCHEMA1_FIELDS = ["fsLayers", "history", "name", "tag", "architecture"];
const MANIFEST = new FieldNames(...FIELDS, ...SCHEMA1_FIELDS);
const DESCRIPTOR = new FieldNames("mediaType", "digest", "size", "urls", "annotations", "platform", "data", "artifactType");
const PLATFORM = new FieldNames("architecture", "os", "os.version", "os.features", "variant", "features");
const FS_LAYER = new FieldNames("blobSum");
const HISTORY = new FieldNames("v1Compatibility");

/** What nearly all descriptors are: read at once, at a third of the price. */
const ORDINARY_DESCRIPTOR = new RegExp(`\\{${SPACE}${ORDINARY_FIELDS}${SPACE}\\}`, "y");

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The pseudo-field of what only the platforms of Docker's lists have, and those of 2.8's indexes. */
export const PLATFORM_FEATURES = "manifests.platform.features";

/**
 * Reads the fields of manifests of all kinds at once, for the kind may only be told at the end. Names and types are those of the
 * registry's structs (`manifest/…` in 2.8 and 3.1). Throws `NotJson`.
 */
export class ManifestReader extends StructReader {
  schemaVersion = 0;
  mediaType = "";
  /** The only one. */
  readonly config: readonly [Descriptor] = [emptyDescriptor()];
  readonly layers: Descriptor[] = [];
  readonly manifests: Descriptor[] = [];
  readonly fsLayers: Descriptor[] = [];
  /** No registry reads it: clients do. */
  readonly subject: Descriptor = emptyDescriptor();
  /** Fields that are there, and not null. */
  readonly given = new Set<string>();
  /** Some field came twice: what the registry makes of it is not what every client does. */
  isAmbiguous = false;

  constructor(content: Buffer) {
    super(content);
    this.#readManifest();
    this.json.end();
  }

  #readManifest(): void {
    const json = this.json;
    if (!this.opens(OBJECT, "an object")) return;
    for (let name = json.member(true); name !== undefined; name = json.member(false)) {
      const field = MANIFEST.find(name);
      if (field === undefined) json.skip();
      else {
        this.field = field;
        this.#note(field);
        this.#readField(field);
      }
    }
  }

  #note(field: string): void {
    if (this.json.isNull()) {
      this.given.delete(field);
      return;
    }
    if (this.given.has(field)) this.isAmbiguous = true;
    this.given.add(field);
  }

  #readField(field: string): void {
    switch (field) {
      case "schemaVersion":
        this.schemaVersion = this.integer() ?? this.schemaVersion;
        break;
      case "mediaType":
        this.mediaType = this.string() ?? this.mediaType;
        break;
      case "config":
        this.#readDescriptor(this.config[0]);
        break;
      case "layers":
        this.#readList(this.layers, (item) => this.#readDescriptor(item));
        break;
      case "manifests":
        this.#readList(this.manifests, (item) => this.#readDescriptor(item));
        break;
      case "annotations":
        this.readStrings(OBJECT);
        break;
      case "subject":
        this.#readSubject();
        break;
      case "fsLayers":
        this.#readList(this.fsLayers, (item) => this.#readFsLayer(item));
        break;
      case "history":
        this.#readList([], () => this.#readOnly(HISTORY, () => this.string(ONLY_2)));
        break;
      default:
        this.string(ONLY_2);
    }
  }

  /** Whatever it is, no registry refuses it. */
  #readSubject(): void {
    const before = this.wrongTypes.length;
    this.#readDescriptor(this.subject);
    this.wrongTypes.length = before;
  }

  /** Go fills a slice that is given again over what it holds (golang/go#21092). */
  #readList(list: Descriptor[], read: (item: Descriptor) => void): void {
    const json = this.json;
    if (json.isNull()) list.length = 0;
    if (!this.opens(LIST, "a list")) return;
    let length = 0;
    for (let more = json.item(true); more; more = json.item(false)) {
      this.item = length;
      read((list[length++] ??= emptyDescriptor()));
    }
    this.item = -1;
    list.length = length;
  }

  #readDescriptor(descriptor: Descriptor): void {
    const json = this.json;
    const ordinary = json.match(ORDINARY_DESCRIPTOR);
    if (ordinary !== undefined) {
      const [, mediaType = "", size, digest, digestFirst = "", sizeLast] = ordinary;
      descriptor.mediaType = mediaType;
      descriptor.digest = `sha256:${digest ?? digestFirst}`;
      descriptor.size = Number(size ?? sizeLast);
      return;
    }
    if (!this.opens(OBJECT, "an object")) return;
    let hasDigest = false;
    for (let name = json.member(true); name !== undefined; name = json.member(false)) {
      const field = DESCRIPTOR.find(name);
      this.inner = field ?? name;
      switch (field ?? "") {
        case "digest":
          if (hasDigest) this.isAmbiguous = true;
          hasDigest = true;
          descriptor.digest = this.string() ?? descriptor.digest;
          break;
        case "size":
          descriptor.size = this.integer() ?? descriptor.size;
          break;
        case "urls":
          descriptor.urls = this.readStrings(LIST);
          break;
        case "annotations":
          this.readStrings(OBJECT);
          break;
        case "platform":
          this.#readPlatform();
          break;
        case "data":
          this.#readData();
          break;
        case "mediaType":
          descriptor.mediaType = this.string() ?? descriptor.mediaType;
          break;
        case "artifactType":
          this.string(ONLY_3);
          break;
        default:
          json.skip();
      }
    }
    this.inner = "";
  }

  #readPlatform(): void {
    const json = this.json;
    if (!this.opens(OBJECT, "an object")) return;
    for (let name = json.member(true); name !== undefined; name = json.member(false)) {
      const field = PLATFORM.find(name);
      if (field === undefined) json.skip();
      else if (field === "os.features") this.readStrings(LIST);
      else if (field === "features") this.#readFeatures();
      else this.string();
    }
  }

  /** Only platforms of Docker's lists have features, and 2.8 reads an OCI index as one. */
  #readFeatures(): void {
    const before = this.wrongTypes.length;
    this.readStrings(LIST);
    const [wrong] = this.wrongTypes.splice(before);
    if (wrong === undefined || this.field !== "manifests") return;
    this.wrongTypes.push({ ...wrong, versions: ONLY_2 }, { ...wrong, field: PLATFORM_FEATURES, versions: ONLY_3 });
  }

  #readData(): void {
    const text = this.string(ONLY_3);
    if (text !== undefined && !BASE64.test(text.replaceAll(/[\r\n]/g, "")))
      this.addWrong("text that is not base64", "base64", ONLY_3);
  }

  #readFsLayer(layer: Descriptor): void {
    this.#readOnly(FS_LAYER, () => {
      layer.digest = this.string(ONLY_2) ?? layer.digest;
    });
  }

  /** An object with one field. */
  #readOnly(names: FieldNames, read: () => void): void {
    const json = this.json;
    if (!this.opens(OBJECT, "an object")) return;
    for (let name = json.member(true); name !== undefined; name = json.member(false)) {
      const field = names.find(name);
      this.inner = field ?? name;
      if (field === undefined) json.skip();
      else read();
    }
    this.inner = "";
  }
}
