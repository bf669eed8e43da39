/** The one function used of X's own library, which ships no types. */
declare module "twitter-text" {
  const twitter: { parseTweet(text: string): { weightedLength: number; valid: boolean } };
  export default twitter;
}
