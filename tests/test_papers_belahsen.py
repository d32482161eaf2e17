"""The claims of Belahsen & El Manouzi against the tables, typed again from the paper."""

from nervekit import networks_belahsen, papers, verdicts

PAPER = papers.load("belahsen_2020")
CLAIMS = {claim.key.removeprefix("belahsen_2020."): claim for claim in PAPER.claims}
TABLE_1 = """unet 7759521 0.6125 0.5833 0.6062 0.58607 0.64789
inception 1865676 0.6078 0.7076 0.5986 0.58930 0.68589
r2unet 6003009 0.6373 0.5988 0.5896 0.51214 0.64770
unetpp 9041601 0.6778 0.6635 0.5109 0.63241
attention 9786857 0.4776 0.6690 0.1045 0.55389"""
TABLE_2 = """inception 0.0666 0.5185 0.0942 0.68311
unetpp 0.0634 0.5181 0.0957 0.62423"""
TEXT = {
    "data.images": 5635, "data.test_images": 5508, "r2unet_64.parameters": 96056577, "unetpp.parameters_in_text": 9041610,
    "start.original": 0.67765, "start.adapted": 0.66921, "augmented.inception.leaderboard_adam": 0.61850,
    "r2unet.leaderboard.cross_entropy": 0.46913, "rank.place": 60, "rank.participants": 800,
    "gain.unet": 0.06, "gain.r2unet": 0.13,  # "more than 6 points", "more than 13 points"
    "inception.figure.image_1": 0.88, "inception.figure.image_2": 0.59, "inception.figure.image_3": 0.0,
    "unetpp.figure.image_1": 0.89, "unetpp.figure.image_2": 0.78, "unetpp.figure.image_3": 0.0,
    "unet.seconds_per_epoch": 16, "r2unet.seconds_per_epoch": 50, "unetpp.seconds_per_epoch": 25, "unetpp.minutes": 18,
}  # fmt: skip
COLUMNS = ("sensitivity", "jaccard", "dice")


def test_table_1():
    for line in TABLE_1.splitlines():
        name, *printed = line.split()
        keys = [f"{name}.parameters", *(f"{name}.validation.{column}" for column in COLUMNS)]
        keys += [f"{name}.leaderboard.plain", f"{name}.leaderboard.filtered"]
        assert [CLAIMS[key].value for key, _ in zip(keys, printed)] == [float(number) for number in printed]
        assert len(printed) == sum(key in CLAIMS for key in keys)


def test_table_2():
    for line in TABLE_2.splitlines():
        name, *printed = line.split()
        keys = [f"augmented.{name}.validation.{column}" for column in COLUMNS] + [f"augmented.{name}.leaderboard"]
        assert [CLAIMS[key].value for key in keys] == [float(number) for number in printed]


def test_every_number_outside_the_tables_stands_under_its_key():
    assert {key: claim.value for key, claim in CLAIMS.items() if "Table" not in claim.where} == TEXT


def test_leaderboard_scores_cannot_be_checked_and_say_why():
    board = [claim for key, claim in CLAIMS.items() if "leaderboard" in key]
    assert len(board) == 12 and all(claim.kind == "unpublished" and "keeps the masks" in claim.reason for claim in board)


def test_a_score_of_which_more_is_not_better_is_never_better():
    keras_jaccard = {key for key in CLAIMS if key.endswith(".jaccard")}
    of_copies = {key for key in CLAIMS if key.startswith("augmented.") and ".validation." in key}
    assert len(keras_jaccard | of_copies) == 11
    assert {CLAIMS[key].kind for key in keras_jaccard | of_copies | {"attention.validation.dice"}} == {"fit"}


def test_claim_keys_are_unique_and_say_where_they_are_printed():
    assert len(CLAIMS) == len(PAPER.claims)
    assert all(any(word in claim.where for word in ("Table", "Section", "Figure")) for claim in PAPER.claims)


def test_paper_profile_trains_with_the_paper_settings():
    chosen = papers.settings(PAPER, "paper")
    assert networks_belahsen.size("inception", chosen) == (80, 112) and networks_belahsen.size("r2unet", chosen) == (96, 96)
    rates = {name: chosen[f"{name}_learning_rate"] for name in networks_belahsen.NETWORKS}
    assert rates == {"unet": 1e-5, "inception": 4.5e-3, "r2unet": 1e-5, "unetpp": 2e-4, "attention": 1e-3}
    assert [chosen[f"{name}_batch_size"] for name in rates] == [32, 64, 64, 32, 32]
    assert chosen["presence_weight"] == 0.5 and chosen["patience"] == 5


def test_every_profile_names_its_split_by_subject():
    for profile in papers.PROFILES:
        assert "**by subject**" in papers.setup_table(PAPER, papers.settings(PAPER, profile))


def test_short_profiles_name_the_losses_that_they_change():
    for profile in ("smoke", "workshop"):
        assert papers.setup_table(PAPER, papers.settings(PAPER, profile)).count("**cross-entropy + Dice**") == 4
    assert "cross-entropy + Dice" not in papers.setup_table(PAPER, papers.settings(PAPER, "paper"))


def test_every_network_is_built_with_options_that_its_settings_have():
    chosen = papers.settings(PAPER, "smoke")
    for name in networks_belahsen.NETWORKS:
        assert networks_belahsen.options(name, chosen)


def test_only_what_lies_between_0_and_1_is_kept_there():
    """Of outputs above 1 the Dice coefficient may exceed 1, and so may its mean over seeds."""
    shares = verdicts._shares(PAPER)
    assert "belahsen_2020.unet.validation.dice" in shares and "belahsen_2020.attention.validation.jaccard" in shares
    assert "belahsen_2020.attention.validation.dice" not in shares
