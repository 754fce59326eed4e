/** Sentences that any topic can be talked about in; {a} and {b} stand for its terms, {goal} for a project. */

export const storyTitles: string[] = [
  "What finally made {a} click for me",
  "Six weeks of {a}, an honest log",
  "A small checklist for {a}",
  "Five mistakes I made with {a}",
  "My notes on {a} and {b}",
  "{a} for people with no time",
  "The one thing about {a} nobody told me",
  "Progress: {goal}",
  "Before and after: {a}",
  "Cheap ways into {a}",
  "Why I stopped worrying about {a}",
  "Showing my work: {a}",
  "Weekly challenge: {a}",
  "{goal}, week {n}",
];

export const questionTitles: string[] = [
  "Struggling with {a}: where would you start?",
  "{a} or {b}: which first?",
  "Please tear apart my {a}",
  "Looking for company: {a} on weekday evenings",
  "Is {a} worth the money?",
  "How do you practise {a}?",
  "A question about {a} that I am too shy to ask elsewhere",
  "What do you wish you had known about {a}?",
];

export const sentences: string[] = [
  "I have been at this for {n} weeks and {a} is where it goes wrong.",
  "Last night I tried {a} together with {b} and it was a small revelation.",
  "Photos and numbers are in the first comment.",
  "If you have a routine for {a}, I would love to read it.",
  "The trick was to slow down and to take {a} in tiny steps.",
  "My budget is small, so please nothing that needs a garage full of tools.",
  "A friend swears by {b}, I am not so sure.",
  "I keep coming back to {a} whenever I am stuck.",
  "Half of it was luck, the other half was {b}.",
  "I wrote down every attempt, the good and the embarrassing ones.",
  "Most guides skip {a}, which is a pity.",
  "It started as an experiment with {b} and grew from there.",
  "What helped: {a}, an early night, and asking for help here.",
  "Happy to answer questions, and happier to be corrected.",
  "For context, my project is called {goal}.",
  "There is a moment in {a} when everything feels worse before it gets better.",
  "I would do {b} before anything else if I began again.",
  "It took {n} tries, so do not give up.",
];

export const bios: string[] = [
  "{job} from {place}. Evenings belong to {passion}.",
  "{job}. Trying to make room for {passion}.",
  "Lives in {place}, thinks a lot about {passion}.",
  "{job}, parent of two, {passion} whenever there is an hour left.",
  "Came here for {passion}, stayed for the people.",
  "{place}. Slowly getting better at {term}.",
  "{job}, nearly retired. Long walks and {passion}.",
  "{job} by day. Ask me about {term}.",
];

/** What people write who say nothing about what they like. */
export const silentBios: string[] = ["", "", "New here.", "{job} from {place}.", "Just looking around."];

export const jobs: string[] =
  "Nurse, Teacher, Electrician, Accountant, Bus driver, Librarian, Software tester, Architect, Surveyor, Pharmacist, Gardener, Translator, Chemist, Shop owner, Physiotherapist, Civil servant".split(
    ", ",
  );

export const places: string[] =
  "Leeds, Ghent, Porto, Tallinn, Graz, Malmö, Cork, Utrecht, Bilbao, Ljubljana, Bristol, Lyon, Aarhus, Kraków, Turin, Halifax, Dunedin, Nagoya, Valparaíso, Pune".split(
    ", ",
  );
