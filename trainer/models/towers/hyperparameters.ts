import { z } from "zod";
import { tokenRows } from "../../../supabase/functions/_shared/features/tokens.ts";
import { count, dropoutRate, group, learningRate, positive, share } from "../nn/hyperparameter.ts";

/** What more training of trained towers does otherwise. */
const tuning = (values: { learningRate: number; epochs: number }, reason: string) =>
  group(
    {
      learningRate: learningRate().default(values.learningRate).describe("At the start."),
      epochs: count(1000).default(values.epochs).describe("Times that they see each positive."),
    },
    reason,
  );

/** The towers' hyperparameters, each with the reason for its default. docs/research/experiments.md has the tables that the figures come from. */
export const towerSchema = z
  .strictObject({
    // --- the training set ---
    mostPositives: count(10_000_000, 100)
      .default(500_000)
      .describe(
        "The latest first interactions that are learned from: an epoch of them is 977 steps, one of travel-se 227.",
      ),
    epochsOf: group(
      {
        before: count(1000).default(3).describe("Where an example sees what came before it, as in serving."),
        others: count(1000)
          .default(60)
          .describe("Where it sees all the user's others: `evaluate --protocol cut` alone."),
      },
      "Where time runs, tastes drift, and what is learned of the past soon fits the past alone: the share of fresh posts ranked below the " +
        "positive is .770, .771, .762 after 2, 3, 4 epochs of the synthetic community, .651 and .648 after 3 and 5 of travel-se. A random split " +
        "has no drift, and on ml-100k R@20 keeps growing: .430 at 10, .441 at 20, .450 at 30, .454 at 60.",
    ),
    fineTuning: group(
      {
        before: tuning({ learningRate: 0.001, epochs: 1 }, "Where time runs."),
        others: tuning({ learningRate: 0.002, epochs: 12 }, "On a random split."),
      },
      "Of the towers, after the ranker was trained. The held pairs of a random split need more of it than the last days of a community: 4 epochs " +
        "at .001 leave R@20 on ml-100k at .447, 12 at .002 bring .453.",
    ),
    further: tuning(
      { learningRate: 0.001, epochs: 1 },
      "Of fine-tuning, and between the ranker's requests: on what is new and, for each of that, on `olderPerNew` older positives.",
    ),
    olderPerNew: count(10_000, 0)
      .default(100)
      .describe(
        "As many older positives for each new one, drawn at random. Where what is new makes up much of it, the towers learn that its posts are " +
          "popular, and bring the ranker similarities it does not know. The ranker's loss on the month after a month of news (travel-se), 1, 5 and " +
          "all 40 older ones for each: 3.569, 3.499, 3.473; without any of it 3.497. On the requests after a week of news, 20 and 100: 3.009, " +
          "2.989; without 3.001.",
      ),
    withPages: group(
      {
        vectorDropout: dropoutRate().default(0).describe("Instead of the `vectorDropout` below."),
        coldUsers: share().default(0.5).describe("Instead of the `coldUsers` below."),
        tokenDropout: dropoutRate()
          .default(0.5)
          .describe(
            "Instead of the `tokenDropout` below. New people's pages by similarity, three synthetic communities: .703, .709 and .765 of the true law's at .3, .715, " +
              ".740 and .762 at .5; after eight nights of fine-tuning .693, .696, .759 and .699, .732, .774.",
          ),
        samplingCorrection: share()
          .default(0.5)
          .describe(
            "Instead of the `samplingCorrection` below: what is popular and what was shown the ranker is told by counts. Pages by score of people with " +
              "fewer than ten acts earn .638, .663 and .656 of the true law's with all of it (three synthetic communities), .668, .676 and .684 with half, " +
              ".657, .681 and .691 with none.",
          ),
        epochs: count(1000).default(6).describe("Times that they see each positive."),
        histories: z
          .enum(["before", "others"])
          .default("others")
          .describe(
            "The history of an example: what came before it, or the latest of all the user's others. What came before tells its time, which tells its posts " +
              "from most negatives and little of taste: 150 people's pages by similarity earn .556, .609 and .625 of the true law's, and .659, .684 and .673 with " +
              "the others and the prior of histories (synthetic communities of 600 people).",
          ),
      },
      "Where the exposure log says what came of the first pages of new people. Synthetic community, seed 1, the cold users' utility by similarity " +
        "alone, and what a page of the whole system brings them: .610 and 3.77 with what holds elsewhere, .674 and 3.99 with this.",
    ),

    // --- the network ---
    tokenRows: count(1_048_576, 1024)
      .default(tokenRows)
      .describe(
        "Rows of the table of words, one for each tower; words that share one are one word. Of travel-se's 17,818 words 4.5 % of all occurrences are " +
          "in the row of a commoner word; of 100,000 words (Zipf) 19 %, and 9 % with 65,536 rows. Those make both graphs 16.9 MB instead of 4.3.",
      ),
    hidden: count(1024).default(64).describe("Width of the hidden layer of both MLPs. Not tuned."),
    idfDivisor: positive()
      .default(300)
      .describe(
        "A word starts with deviation idf / 300, so short that what is learned of it soon outweighs where it began: travel-se, 3 epochs, share of " +
          "fresh posts ranked below the positive: .62 at ten times the length, .65 at this.",
      ),
    biasDeviation: positive()
      .default(0.01)
      .describe("Standard deviation of the output layers' first biases. Not tuned: it need only differ from 0."),
    idEmbeddingDropout: share()
      .default(0.2)
      .describe(
        "How often an ID embedding is left out, so that text and history must stand alone (DropoutNet). R@20 on ml-100k, 20 epochs: .446, and " +
          ".441 at .35.",
      ),
    vectorDropout: dropoutRate()
      .default(0.2)
      .describe(
        "How often a number is left out of a vector before it is normalised, so that no few dimensions carry a taste alone: R@20 on ml-100k is " +
          ".447 without and .452 with it.",
      ),
    coldUsers: share()
      .default(0.2)
      .describe(
        "How often an example's user is shown as a cold one, with the profile alone: neither ID embedding nor history. R@20 of the synthetic " +
          "community's cold users, by an earlier measure: .232 at 0, .348 at .15, .366 at .3.",
      ),
    tokenDropout: dropoutRate()
      .default(0.3)
      .describe(
        "How often a word is left out, so that the rare words of a profile are not learned as if they were the user's name. Not tuned.",
      ),

    // --- an app's own vectors ---
    vectorScale: positive()
      .default(2)
      .describe(
        "Length at which a vector of unit length starts, next to words of some hundredths. Cold posts of travel-se, R@20 at 500, 1,000 and 5,000 posts: " +
          ".356, .275 and .142 at 1, .363, .292 and .133 at 2.",
      ),
    vectorLearningRate: share()
      .default(0.1)
      .describe(
        "Share of the learning rate at which their projection learns: it starts at the principal components, and leaves them slowly. Without the hidden " +
          "layer's part, 500 and 1,000 posts: .333, .238 at .02, .335, .243 at .1, .341, .256 at .3.",
      ),
    vectorless: share()
      .default(0.1)
      .describe(
        "How often a post or user is shown as if there was no vector, so that words stand alone where there is none yet. Posts alone, at 500 and 1,000 posts: .354, .294 at 0, " +
          ".363, .292 at .1.",
      ),

    // --- the loss and the optimiser ---
    batch: count(8192).default(512).describe("Positives per step, at most. Not tuned."),
    leastSteps: count(10_000)
      .default(64)
      .describe(
        "A small community gets smaller batches, so that an epoch is 64 steps at least: of travel-se's first nine months, 3 epochs of 512 leave the " +
          "towers half-trained (share of fresh posts ranked below the positive .58, R@100 .07; batches of 128: .63, .16).",
      ),
    leastBatch: count(8192).default(64).describe("But none smaller than this many positives."),
    uniformNegatives: count(8192, 0)
      .default(256)
      .describe(
        "Uniform negatives per batch, shared by its rows. R@20 on ml-100k: none in 10 epochs .428, 512 in 20 epochs .433.",
      ),
    temperature: positive()
      .default(0.2)
      .describe(
        "Of the softmax over cosines: small fits the training set, large generalises. R@20 on ml-100k, ID embeddings alone, 15 epochs: .447, and " +
          ".415 at .1; with text, 10 epochs: .420 at .15, .433 at .25.",
      ),
    samplingCorrection: share()
      .default(1)
      .describe(
        "How much of −log q is added to the scores, where q is a post's chance to be sampled. With all of it they learn how likely a post is for a user; with " +
          "none how much likelier than for anybody, the pointwise mutual information. R@20 on ml-100k with instants drawn at random: .454 with all of it, .456 " +
          "with half, .448 with none; on a random split .467 with all and with half.",
      ),
    learningRate: learningRate().default(0.003).describe("At the start. Not tuned."),
    finalLearningRate: share()
      .default(1 / 20)
      .describe("The learning rate falls in a straight line to this share of itself. Not tuned."),
  })
  .refine(({ batch, leastBatch }) => leastBatch <= batch, {
    path: ["leastBatch"],
    error: "must not be more than batch",
  });

export const towerDefaults = towerSchema.parse({});
export type TowerHyperparameters = typeof towerDefaults;
