from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="RetiredAccount",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "email",
                    models.EmailField(
                        help_text="In lower case.", max_length=254, unique=True, verbose_name="e-mail address"
                    ),
                ),
            ],
            options={
                "verbose_name": "retired account",
                "verbose_name_plural": "retired accounts",
            },
        ),
    ]
