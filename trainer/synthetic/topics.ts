/** What the people of the synthetic community care about. */
interface SyntheticTopic {
  /** Also the first tag of its posts. */
  name: string;
  /** Numbers of topics whose people often care about this one too. */
  related: number[];
  facets: Facet[];
}

/** One side of a topic: the grain at which tastes and posts differ. */
interface Facet {
  tag: string;
  /** How profiles say it. Some phrases share a word with `terms`, some share none: those must be learnt from what people do. */
  passions: string[];
  /** Titles of projects people have. */
  projects: string[];
  /** What posts are about. */
  terms: string[];
}

/** `# topic (numbers of related ones)`, then each facet: `tag: passions`, and a line each for projects and terms. */
const text = `
# guitar (1, 10)
fingerstyle: fingerpicking, acoustic music, campfire songs
  Learn ten songs for the summer, Play at my sister's wedding
  travis picking, thumb independence, nylon strings, open tunings, barre chords, nail care, percussive taps, arpeggio patterns
electric: playing in a band, rock music, electric guitar
  Build a pedalboard, First gig with the band
  tube amps, overdrive pedals, palm muting, pickup heights, pentatonic licks, string bending, humbuckers, stage volume
theory: music theory, how harmony works, composing
  Write one tune a week, Understand jazz harmony
  circle of fifths, secondary dominants, modal interchange, voice leading, chord inversions, sight reading, ear training, rhythm notation
luthier: instrument repair, making instruments, lutherie
  Build a tenor ukulele, Restore a 1970s acoustic
  fret levelling, nut slots, spruce tops, truss rods, shellac finish, neck resets, bridge pins, intonation
# home recording (0, 4)
mixing: audio engineering, making records, mixing
  Mix our first EP, Treat the spare room
  parallel compression, low end mud, reference tracks, room treatment, stereo width, loudness targets, vocal de-essing, bus routing
synths: electronic music, sound design, synthesizers
  Finish a live set, Patch a sound a day
  wavetable patches, modular racks, filter envelopes, drum sequencing, sidechain pumping, granular textures, arpeggiators, midi clock
podcast: telling stories in audio, podcasting, interviews
  Launch a local history show, Publish twelve episodes
  dynamic microphones, remote interviews, show notes, noise floors, episode structure, intro music, cutting filler words, listener growth
singing: singing, choir, my voice
  Join the city choir, Sing a solo
  breath support, head voice, vocal warm ups, harmonies by ear, vibrato, mix belts, sore throats, microphone technique
# running (3, 5)
marathon: marathon training, long distance, endurance sport
  Sub-4 in October, Run my first marathon
  tempo runs, long run fuelling, negative splits, tapering, heart rate zones, carbon shoes, race pace, energy gels
trail: being outside, mountain trails, ultra running
  A fifty kilometre trail race, Run every path in the county
  hill repeats, trail shoes, technical descents, hydration vests, headlamps, trekking poles, muddy ridges, course maps
beginner: getting fit, couch to 5k, a healthier life
  Run five kilometres without stopping, Lose the desk belly
  run walk intervals, shin splints, parkrun mornings, easy pace, side stitches, first shoes, rest days, motivation slumps
injury: physiotherapy, coming back from injury, mobility
  Run again after the knee, Ten minutes of mobility a day
  achilles pain, hip strength, foam rolling, eccentric heel drops, runner's knee, return plans, ankle mobility, load management
# cooking (5, 6)
bread: baking, sourdough, the smell of a bakery
  A loaf every weekend, Sell at the village market
  starter feeding, crumb structure, bulk fermentation, scoring patterns, dutch ovens, rye flour, overproofed dough, oven spring
plant based: vegan food, eating less meat, plant based cooking
  Thirty meatless dinners, A vegan cookbook for dad
  tofu marinades, lentil stews, cashew cream, seitan roasts, umami broth, chickpea flour, meal prep boxes, iron intake
fermentation: preserving, pickles and kraut, slow food
  Fill the pantry by autumn, Brew my own kombucha
  koji rice, kimchi jars, brine ratios, kombucha scoby, miso paste, airlock lids, hot sauce mash, vinegar mothers
grill: barbecue, cooking with fire, meat
  Cook for the street party, Build a brick smoker
  brisket stalls, charcoal baskets, dry rubs, reverse sear, smoke woods, probe thermometers, pulled pork, kettle vents
# data science (7, 8)
statistics: statistics, numbers that mean something, maths
  Read a statistics book to the end, Re-analyse my thesis
  confidence intervals, bayesian priors, regression tables, sample sizes, p values, causal graphs, missing data, mixed models
machine learning: artificial intelligence, machine learning, neural nets
  Enter a forecasting contest, Train a model on bird calls
  gradient boosting, validation splits, learning rates, feature leakage, embeddings, transformers, class imbalance, model cards
visualisation: data journalism, charts, visual storytelling
  Thirty charts in thirty days, A map of our city's trees
  colour scales, small multiples, annotated maps, scatter plots, axis breaks, dashboards, sankey diagrams, chart accessibility
pipelines: data engineering, databases, tidy systems
  Move the spreadsheets into Postgres, Automate the monthly report
  window functions, incremental loads, schema drift, parquet files, query plans, backfills, data contracts, cron jobs
# gardening (3, 6)
vegetables: growing my own food, allotment life, vegetables
  Feed us from the plot, A four-bed rotation
  tomato blight, raised beds, crop rotation, slug barriers, seed potatoes, succession sowing, compost heaps, courgette gluts
houseplants: indoor jungle, houseplants, greenery at home
  Keep a fern alive, Propagate fifty cuttings
  monstera cuttings, root rot, humidity trays, grow lights, spider mites, repotting mix, variegated leaves, self watering pots
wildlife: bees and butterflies, rewilding, nature
  Turn the lawn into a meadow, A pond for frogs
  wildflower meadows, hedgehog gaps, bee hotels, pond liners, native hedges, log piles, bird feeders, night moths
balcony: small space living, city balcony, herbs
  Green the balcony, Herbs all winter
  railing planters, drip irrigation, dwarf chillies, wind screens, weight limits, strawberry towers, shade herbs, coco coir
# home renovation (5, 7)
woodwork: carpentry, working with wood, furniture
  Build an oak table, A workbench for the shed
  dovetail joints, hand planes, chisel sharpening, oak boards, wood glue, pocket holes, table saws, hardwax oil
old house: restoring old houses, our Victorian terrace, period details
  Bring back the fireplaces, Sash windows before winter
  lime plaster, sash cords, floor sanding, rising damp, cornice repair, slate roofs, cast iron radiators, lead paint
energy: sustainable living, lower bills, climate
  Insulate the loft, Off gas by next year
  heat pumps, loft insulation, solar inverters, draught proofing, airtightness tests, battery storage, triple glazing, thermal bridges
interiors: interior design, cosy rooms, colour
  Redo the living room, A nursery by March
  paint samples, gallery walls, layered lighting, rug sizes, kitchen layouts, tile patterns, built in shelves, linen curtains
# indie games (4, 9)
programming: coding games, game engines, hobby programming
  Finish a game jam, Port my game to the web
  godot scenes, collision layers, state machines, shader code, save files, frame budgets, pathfinding, netcode
pixel art: drawing sprites, pixel art, retro looks
  Animate a hero, A tileset for a forest
  sprite sheets, dithering, colour palettes, walk cycles, tile sets, sub pixel motion, outlines, parallax backgrounds
design: game design, board games, puzzles
  Playtest with strangers, A card game for two
  core loops, difficulty curves, player onboarding, level pacing, reward schedules, paper prototypes, playtest notes, puzzle hints
publishing: selling what I make, self publishing, small business
  Launch on the store in May, A thousand wishlists
  store pages, wishlists, press kits, trailer cuts, launch discounts, demo festivals, community servers, price points
# languages (4, 11)
japanese: Japan, anime without subtitles, Japanese
  Pass the N3 exam, Read a manga
  kanji radicals, pitch accent, particle drills, verb conjugation, graded readers, honorific speech, hiragana, shadowing
spanish: Latin America, Spanish, moving to Madrid
  Order tapas without English, B2 by summer
  subjunctive mood, ser and estar, rolled r, telenovelas, tandem partners, reflexive verbs, regional slang, past tenses
methods: polyglots, how memory works, learning to learn
  A language a year, Two thousand cards
  spaced repetition, flashcard decks, comprehensible input, immersion hours, sentence mining, language exchanges, plateau months, cognates
german: German, life in Berlin, opera librettos
  B1 for the residence permit, Read Kafka
  dative case, separable verbs, compound nouns, word order, modal particles, noun genders, umlauts, exam letters
# drawing (7, 10)
watercolour: painting, watercolour, quiet afternoons
  A painting a week, Show at the library
  wet on wet, granulating pigments, masking fluid, cotton paper, loose washes, skin tones, glazing layers, blooming edges
urban sketching: sketchbooks, cities and cafés, travel drawing
  Sketch every bridge in town, Fill three sketchbooks
  two point perspective, fountain pens, café crowds, quick hatching, façades, portable kits, continuous line, rooftops
digital: illustration, digital art, character art
  A picture book for my niece, Open commissions
  layer masks, tablet nibs, brush packs, character turnarounds, line weight, clipping groups, value studies, commission sheets
anatomy: life drawing, the human figure, classical art
  Fifty figure studies, Understand hands
  gesture poses, hand anatomy, foreshortening, charcoal shading, contrapposto, facial planes, plumb lines, drapery folds
# writing (9, 11)
fiction: novels, making up worlds, storytelling
  Finish the first draft, Fifty thousand words
  unreliable narrators, chapter outlines, dialogue tags, sagging middles, world building, beta readers, opening lines, point of view
poetry: poems, poetry, the sound of words
  A chapbook of twenty poems, Read at the open mic
  slant rhyme, line breaks, villanelles, haiku, found poems, metre, enjambment, prose poems
blogging: essays, a newsletter, thinking in public
  A newsletter every Friday, One hundred subscribers
  subject lines, evergreen essays, publishing rhythm, reader replies, headline drafts, link roundups, personal essays, editing passes
journaling: mindfulness, self reflection, stationery
  Write every morning, A year of gratitude
  morning pages, bullet journals, gratitude lists, habit trackers, dotted notebooks, monthly reviews, mood logs, prompts
# travel (8, 2)
cycling tours: bicycle adventures, cycling, slow travel
  Ride to the sea, The Danube in two weeks
  pannier bags, gravel tyres, wild camping, gear ratios, route planning, hub dynamos, border crossings, puncture repairs
trains: railways, flying less, night trains
  Istanbul without a plane, Every narrow gauge line
  sleeper cabins, rail passes, seat reservations, missed connections, scenic routes, couchette etiquette, timetables, station luggage
remote work: digital nomads, working from anywhere, freedom
  Three months in Lisbon, Leave the office
  coliving spaces, visa rules, time zone overlap, café wifi, health insurance, tax residency, light packing, loneliness
hiking: mountains, hiking, huts and summits
  Walk the high route, A hut tour with dad
  hut bookings, contour lines, blister care, via ferrata, weather windows, ultralight tents, scree slopes, ridge walks
`;

const listOf = (line: string) => line.trim().split(", ");

function facetOf(lines: string): Facet {
  const [first, projects, terms] = lines.split("\n  ");
  const [tag, passions] = first.split(": ");
  return { tag, passions: listOf(passions), projects: listOf(projects), terms: listOf(terms) };
}

function topicOfText(part: string): SyntheticTopic {
  const [first, ...facets] = part.trim().split(/\n(?! )/);
  const [, name, related] = /(.*) \((.*)\)/.exec(first) as RegExpExecArray;
  return { name, related: listOf(related).map(Number), facets: facets.map(facetOf) };
}

export const topics: SyntheticTopic[] = text.split("# ").slice(1).map(topicOfText);

/** All facets in one row; `topicOf[facet]` is the topic a facet belongs to. */
export const facets: Facet[] = topics.flatMap((topic) => topic.facets);
export const topicOf: number[] = topics.flatMap((topic, number) => topic.facets.map(() => number));
