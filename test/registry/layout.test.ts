import { describe, expect, test } from "vitest";
import { Digest } from "#regcheck/registry/digest.js";
import * as layout from "#regcheck/registry/layout.js";

const hex = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
const digest = Digest.fromParts("sha256", hex);
const repository = "docker/registry/v2/repositories/library/nginx";

/** As the registry writes them (`registry/storage/paths.go`): these were copied from a storage of registry 2.8. */
describe("the layout", () => {
  if (digest === undefined) throw new Error("this is a digest");

  test.each([
    [layout.blobPath(digest), `docker/registry/v2/blobs/sha256/5f/${hex}/data`],
    [layout.repositoryPath("library/nginx"), repository],
    [layout.layerLinkPath("library/nginx", digest), `${repository}/_layers/sha256/${hex}/link`],
    [layout.revisionLinkPath("library/nginx", digest), `${repository}/_manifests/revisions/sha256/${hex}/link`],
    [layout.tagPath("library/nginx", "1.27"), `${repository}/_manifests/tags/1.27`],
    [layout.tagCurrentPath("library/nginx", "list"), `${repository}/_manifests/tags/list/current/link`],
    [
      layout.tagIndexLinkPath("library/nginx", "_layers", digest),
      `${repository}/_manifests/tags/_layers/index/sha256/${hex}/link`,
    ],
    [layout.uploadPath("library/nginx", "0f7c"), `${repository}/_uploads/0f7c`],
  ])("%s", (path, expected) => expect(path).toBe(expected));

  test("a sha512 blob lies under its own algorithm", () => {
    const long = Digest.parse(`sha512:${hex}${hex}`);
    expect(long && layout.blobPath(long)).toBe(`docker/registry/v2/blobs/sha512/5f/${hex}${hex}/data`);
  });

  test("a link is as long as the digest in it", () => {
    expect(layout.LINK_BYTES).toBe(digest.toString().length);
  });
});
