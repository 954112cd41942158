import type { RequestPrices } from "../requests.js";

/**
 * AWS's list prices in US dollars for a request, S3 Standard in us-east-1: PUT, COPY, POST and LIST $0.005 per 1,000, GET, HEAD and all
 * others $0.0004 per 1,000, DELETE free (aws.amazon.com/s3/pricing; unchanged for years, last compared in November 2026 with published
 * summaries). Other regions and classes differ by less than a factor of three: it is a line to know the order of magnitude by.
 * The multi-object DELETE is a POST by its method, and is billed as a DELETE.
 */
export const awsPrices: RequestPrices = { list: 0.005e-3, get: 0.0004e-3, head: 0.0004e-3, put: 0.005e-3, delete: 0 };
