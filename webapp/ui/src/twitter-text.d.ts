/** What is used of X's own library, which ships no types. */
declare module "twitter-text" {
  const twitter: {
    parseTweet(text: string): { weightedLength: number; valid: boolean };
    extractUrlsWithIndices(text: string, options: { extractUrlsWithoutProtocol: boolean }): { url: string; indices: [number, number] }[];
  };
  export default twitter;
}
