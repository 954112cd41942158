import { scalarText } from "./scalar-text.js";

/** What the registry's `s3` section says of where and how to read. What only matters for writing (`encrypt`, `chunksize`, …) is left out. */
export interface S3Parameters {
  readonly bucket: string;
  /** Without slashes at its ends; "" for the bucket's root. */
  readonly rootDirectory: string;
  readonly region: string | undefined;
  /** With its scheme; undefined for AWS. */
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** `skipverify`: the server's certificate is not checked. */
  readonly skipVerify: boolean;
  readonly useDualStack: boolean;
  readonly useFips: boolean;
  readonly accelerate: boolean;
}

/**
 * Parses the parameters of the driver `s3` (2.x and 3.x, `registry/storage/driver/s3-aws`). Returns what is wrong as text.
 *
 * Path style follows from `regionendpoint` as in 2.x, unless `forcepathstyle` (3.x) says otherwise: a 3.x registry without it would
 * put the bucket's name into the host, which no endpoint but AWS resolves by itself. GitLab's drivers (`s3_v2`) call it `pathstyle`.
 */
export function parseS3Parameters(parameters: Readonly<Record<string, unknown>>): S3Parameters | { readonly problem: string } {
  const unusable = TEXTS.find((key) => scalarText(parameters[key]) === undefined);
  if (unusable !== undefined) return { problem: `storage.s3.${unusable}: expected text (put it into quotes)` };
  const text = (key: (typeof TEXTS)[number]): string | undefined => {
    const value = scalarText(parameters[key]);
    return value === "" ? undefined : value;
  };
  const flag = (key: string): boolean | undefined => {
    const value = parameters[key];
    return typeof value === "boolean" ? value : typeof value === "string" ? BOOLEANS.get(value.toLowerCase()) : undefined;
  };
  const bucket = text("bucket");
  if (bucket === undefined) return { problem: "storage.s3 names no bucket" };
  const endpoint = text("regionendpoint");
  const accessKeyId = text("accesskey");
  const secretAccessKey = text("secretkey");
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined))
    return { problem: "storage.s3 has one of accesskey and secretkey: expected both, or neither for the usual AWS credentials" };
  return {
    bucket,
    rootDirectory: trimSlashes(text("rootdirectory") ?? ""),
    region: text("region"),
    endpoint: endpoint === undefined ? undefined : withScheme(endpoint, flag("secure") ?? true),
    forcePathStyle: flag("forcepathstyle") ?? flag("pathstyle") ?? endpoint !== undefined,
    credentials: accessKeyId === undefined || secretAccessKey === undefined ? undefined : { accessKeyId, secretAccessKey },
    skipVerify: flag("skipverify") ?? false,
    useDualStack: flag("usedualstack") ?? false,
    useFips: flag("usefipsendpoint") ?? false,
    accelerate: flag("accelerate") ?? false,
  };
}

const TEXTS = ["bucket", "regionendpoint", "accesskey", "secretkey", "rootdirectory", "region"] as const;

/** What Go's `strconv.ParseBool` takes, by which the driver reads its flags. */
const BOOLEANS = new Map([
  ["true", true],
  ["t", true],
  ["1", true],
  ["false", false],
  ["f", false],
  ["0", false],
]);

/** The driver takes an endpoint with or without a scheme; `secure: false` makes it plain HTTP where there is none. */
function withScheme(endpoint: string, secure: boolean): string {
  return /^https?:\/\//i.test(endpoint) ? endpoint : `${secure ? "https" : "http"}://${endpoint}`;
}

/** `rootdirectory` as the driver uses it: keys have no slash at their beginning. */
export function trimSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}
